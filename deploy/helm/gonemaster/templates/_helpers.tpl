{{- define "gonemaster.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "gonemaster.labels" -}}
app.kubernetes.io/name: gonemaster
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* Labels that select the pods of a part: a dict of root and part. */}}
{{- define "gonemaster.selector" -}}
app.kubernetes.io/name: gonemaster
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}

{{- define "gonemaster.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{/* What all pods have in common. */}}
{{- define "gonemaster.pod" -}}
serviceAccountName: {{ include "gonemaster.name" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
volumes:
  - name: settings
    secret:
      secretName: {{ .Values.existingSecret }}
      defaultMode: 0440
      items:
        - key: gonemaster.json
          path: gonemaster.json
  - name: tmp
    emptyDir:
      sizeLimit: 512Mi
  - name: data
    emptyDir:
      sizeLimit: 64Mi
{{- end -}}

{{/* What all containers have in common. */}}
{{- define "gonemaster.container" -}}
image: {{ include "gonemaster.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
volumeMounts:
  - name: settings
    mountPath: /etc/gonemaster
    readOnly: true
  - name: tmp
    mountPath: /tmp
  - name: data
    mountPath: /var/lib/gonemaster
{{- end -}}

{{- define "gonemaster.environment" -}}
- name: GONEMASTER_CONFIG
  value: /etc/gonemaster/gonemaster.json
- name: GONEMASTER_LOG_FORMAT
  value: {{ .Values.logFormat | quote }}
{{- range $name, $value := .Values.settings }}
- name: GONEMASTER_{{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* Pods of one part on different nodes, if there are any. */}}
{{- define "gonemaster.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "gonemaster.selector" . | nindent 8 }}
{{- end -}}
