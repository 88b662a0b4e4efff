{{/* The prefix of the names of this release's objects. */}}
{{- define "bahub.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The labels that select the pods of this release. */}}
{{- define "bahub.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "bahub.labels" -}}
{{ include "bahub.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "bahub.serviceAccount" -}}
{{- if .Values.serviceAccount.name -}}
{{- .Values.serviceAccount.name -}}
{{- else if .Values.serviceAccount.create -}}
{{- include "bahub.fullname" . -}}
{{- else -}}
{{- fail "serviceAccount.name is empty: name the account to use, or leave serviceAccount.create at true" -}}
{{- end -}}
{{- end -}}

{{- define "bahub.image" -}}
{{- $repository := required "image.repository is empty: name the image that you built and pushed (docs/kubernetes.md, \"The images\")" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Before Kubernetes 1.21 CronJobs only had a beta version. */}}
{{- define "bahub.cronJobApi" -}}
{{- ternary "batch/v1" "batch/v1beta1" (semverCompare ">=1.21.0-0" .Capabilities.KubeVersion.Version) -}}
{{- end -}}

{{/* Name of a CronJob. Kubernetes appends eleven characters for a Job's, and that must fit into a label. */}}
{{- define "bahub.cronJobName" -}}
{{- $name := printf "%s-%s" (include "bahub.fullname" .root) .entry -}}
{{- if gt (len $name) 52 -}}
{{- fail (printf "the CronJob %q would have %d characters, and 52 are possible: shorten the name in `backups`, or set fullnameOverride" $name (len $name)) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* The Secret that this release renders, if there is anything to render. */}}
{{- define "bahub.renderedSecret" -}}
{{- if or .Values.config.inline .Values.config.publicKeys -}}
{{- include "bahub.fullname" . }}-config
{{- end -}}
{{- end -}}

{{/* Checks of the values that a schema cannot express. */}}
{{- define "bahub.check" -}}
{{- $config := .Values.config -}}
{{- if and $config.existingSecret $config.inline -}}
{{- fail "config.existingSecret and config.inline are both set: bahub reads one configuration" -}}
{{- end -}}
{{- if and .Values.backups (not (or $config.existingSecret $config.inline)) -}}
{{- fail "there is no configuration for `backups`: set config.existingSecret, or config.inline" -}}
{{- end -}}
{{- if $config.inline -}}
{{- $known := default dict $config.inline.backups -}}
{{- range $entry, $backup := .Values.backups -}}
{{- $name := default $entry $backup.backup -}}
{{- if not (hasKey $known $name) -}}
{{- fail (printf "backups.%s: config.inline has no backup %q; it has: %s" $entry $name (keys $known | sortAlpha | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
