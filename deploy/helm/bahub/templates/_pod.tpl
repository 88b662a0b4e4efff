{{/*
The pod in which bahub runs. Takes root, args, resources.
*/}}
{{- define "bahub.podSpec" -}}
{{- $values := .root.Values -}}
restartPolicy: Never
serviceAccountName: {{ include "bahub.serviceAccount" .root }}
automountServiceAccountToken: {{ $values.serviceAccount.automountToken }}
enableServiceLinks: false
terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
{{- with $values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  {{- toYaml $values.podSecurityContext | nindent 2 }}
containers:
  - name: bahub
    image: {{ include "bahub.image" .root | quote }}
    imagePullPolicy: {{ $values.image.pullPolicy }}
    args:
      - --config
      - /etc/bahub/config.yaml
      {{- range .args }}
      - {{ . | quote }}
      {{- end }}
    {{- with $values.env }}
    env:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext:
      {{- toYaml $values.containerSecurityContext | nindent 6 }}
    resources:
      {{- toYaml .resources | nindent 6 }}
    volumeMounts:
      - name: config
        mountPath: /etc/bahub
        readOnly: true
      {{- range $secret := $values.secrets }}
      - name: secret-{{ sha256sum $secret | trunc 10 }}
        mountPath: /run/secrets/{{ $secret }}
        readOnly: true
      {{- end }}
      - name: tmp
        mountPath: /tmp
      {{- with $values.extraVolumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
volumes:
  # Readable by all users, because there is no fsGroup to give it to: there is one user in this pod.
  - name: config
    projected:
      defaultMode: 0444
      sources:
        {{- with $values.config.existingSecret }}
        - secret:
            name: {{ . }}
        {{- end }}
        {{- with include "bahub.renderedSecret" .root }}
        - secret:
            name: {{ . }}
        {{- end }}
  {{- range $secret := $values.secrets }}
  - name: secret-{{ sha256sum $secret | trunc 10 }}
    secret:
      secretName: {{ $secret }}
      defaultMode: 0444
  {{- end }}
  # Lock files, and the sockets of ssh.
  - name: tmp
    emptyDir:
      sizeLimit: 64Mi
  {{- with $values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
