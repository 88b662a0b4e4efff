{{/* A Role and its RoleBinding. Takes root, namespace, mode, rules. */}}
{{- define "bahub.grant" -}}
{{- $name := printf "%s-%s" (include "bahub.fullname" .root) .mode -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ $name }}
  namespace: {{ .namespace }}
  labels:
    {{- include "bahub.labels" .root | nindent 4 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ $name }}
  namespace: {{ .namespace }}
  labels:
    {{- include "bahub.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "bahub.serviceAccount" .root }}
    namespace: {{ .root.Release.Namespace }}
{{- end -}}

{{/* As in docs/transports/kubernetes_podexec.md. */}}
{{- define "bahub.podexecRules" -}}
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
- apiGroups: [""]
  resources: [pods/exec]
  verbs: [get, create]
{{- end -}}

{{/* As in docs/transports/kubernetes_sidepod.md. */}}
{{- define "bahub.sidepodRules" -}}
{{- $scaled := .Values.rbac.sidepod.scaleDown -}}
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
- apiGroups: [""]
  resources: [pods/exec]
  verbs: [get, create]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [list, create, get, delete]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [list, create, patch, delete]
{{- if $scaled }}
# A pod that starts on the data while that is read is seen.
- apiGroups: [""]
  resources: [pods]
  verbs: [watch]
{{- if has "deployments" $scaled }}
# A Deployment's pods belong to it through a ReplicaSet.
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [get]
{{- end }}
- apiGroups: [apps]
  resources: [{{ join ", " $scaled }}]
  verbs: [get, patch]
- apiGroups: [apps]
  resources: [{{ join "/scale, " $scaled }}/scale]
  verbs: [get]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [list]
{{- end }}
{{- with .Values.rbac.sidepod.extraRules }}
{{ toYaml . }}
{{- end }}
{{- end -}}
