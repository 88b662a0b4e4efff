{{/*
A CronJob that runs bahub. Takes root, name, its own labels, args, backoffLimit, and entry: its entry in `backups`.
*/}}
{{- define "bahub.cronJob" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $zone := default $values.timeZone .entry.timeZone -}}
{{- if and $zone (semverCompare "<1.25.0-0" $root.Capabilities.KubeVersion.Version) -}}
{{- fail (printf "timeZone needs Kubernetes 1.25, and this is %s: set timeZone to \"\"" $root.Capabilities.KubeVersion.Version) -}}
{{- end -}}
apiVersion: {{ include "bahub.cronJobApi" $root }}
kind: CronJob
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "bahub.labels" $root | nindent 4 }}
    {{- toYaml .labels | nindent 4 }}
spec:
  schedule: {{ .entry.schedule | quote }}
  {{- with $zone }}
  timeZone: {{ . }}
  {{- end }}
  concurrencyPolicy: Forbid
  suspend: {{ default false .entry.suspend }}
  startingDeadlineSeconds: {{ $values.startingDeadlineSeconds }}
  successfulJobsHistoryLimit: {{ $values.successfulJobsHistoryLimit }}
  failedJobsHistoryLimit: {{ $values.failedJobsHistoryLimit }}
  jobTemplate:
    metadata:
      labels:
        {{- include "bahub.selectorLabels" $root | nindent 8 }}
        {{- toYaml .labels | nindent 8 }}
    spec:
      backoffLimit: {{ .backoffLimit }}
      {{- with .entry.activeDeadlineSeconds }}
      activeDeadlineSeconds: {{ . }}
      {{- end }}
      template:
        metadata:
          labels:
            {{- include "bahub.selectorLabels" $root | nindent 12 }}
            {{- toYaml .labels | nindent 12 }}
            {{- with $values.podLabels }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          {{- with $values.podAnnotations }}
          annotations:
            {{- toYaml . | nindent 12 }}
          {{- end }}
        spec:
          {{- include "bahub.podSpec" (dict "root" $root "args" .args "resources" (default $values.resources .entry.resources)) | nindent 10 }}
{{- end -}}
