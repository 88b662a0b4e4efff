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

{{/* As docs/transports/kubernetes_podexec.md says. */}}
{{- define "bahub.podexecRules" -}}
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list]
- apiGroups: [""]
  resources: [pods/exec]
  verbs: [create, get]
{{- end -}}

{{/* As docs/transports/kubernetes_sidepod.md says. */}}
{{- define "bahub.sidepodRules" -}}
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, delete]
- apiGroups: [""]
  resources: [pods/exec]
  verbs: [create, get]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [create, get, list, delete]
{{- if .Values.rbac.sidepod.scaleDown }}
- apiGroups: [apps]
  resources: [deployments, statefulsets, replicasets]
  verbs: [get, list, patch]
{{- end }}
{{- end -}}
