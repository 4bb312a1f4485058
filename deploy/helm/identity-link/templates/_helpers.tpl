{{- define "identity-link.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "identity-link.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "identity-link.labels" -}}
{{ include "identity-link.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "identity-link.image" -}}
{{- $repository := required "image.repository is required: there is no public image" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end }}

{{/* What all pods have: no token of the cluster, no rights. */}}
{{- define "identity-link.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "identity-link.container" -}}
image: {{ include "identity-link.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  capabilities:
    drop: [ALL]
  readOnlyRootFilesystem: true
resources:
  {{- toYaml .Values.resources | nindent 2 }}
{{- end }}

{{/* The environment: a dict of `root` and `urlSecret`. */}}
{{- define "identity-link.environment" -}}
{{- $values := .root.Values -}}
- name: IDENTITY_LINK__LISTEN
  value: "0.0.0.0:50051"
- name: IDENTITY_LINK__MANAGEMENT__LISTEN
  value: "0.0.0.0:9090"
- name: IDENTITY_LINK__SHUTDOWN_DELAY
  value: {{ printf "%ds" (int $values.shutdownDelaySeconds) | quote }}
- name: IDENTITY_LINK__SHUTDOWN_GRACE
  value: {{ printf "%ds" (int $values.shutdownGraceSeconds) | quote }}
{{- if $values.tls.secretName }}
- name: IDENTITY_LINK__TLS__CERTIFICATE
  value: /etc/identity-link/tls/tls.crt
- name: IDENTITY_LINK__TLS__KEY
  value: /etc/identity-link/tls/tls.key
{{- if $values.tls.clientCertificates }}
- name: IDENTITY_LINK__TLS__CLIENT_CA
  value: /etc/identity-link/tls/ca.crt
{{- end }}
{{- end }}
- name: IDENTITY_LINK__DATABASE__URL
  valueFrom:
    secretKeyRef:
      name: {{ required "database.urlSecret.name is required: the Secret with the URL of the database" .urlSecret.name }}
      key: {{ .urlSecret.key }}
{{- range $name, $secret := $values.secretEnvironment }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret.name }}
      key: {{ $secret.key }}
{{- end }}
{{- end }}

{{- define "identity-link.mounts" -}}
- name: config
  mountPath: /etc/identity-link/identity-link.toml
  subPath: identity-link.toml
  readOnly: true
{{- if .Values.tls.secretName }}
- name: tls
  mountPath: /etc/identity-link/tls
  readOnly: true
{{- end }}
{{- range .Values.secretFiles }}
- name: secret-{{ . }}
  mountPath: /etc/identity-link/secrets/{{ . }}
  readOnly: true
{{- end }}
{{- end }}

{{/* The volumes: a dict of `root` and `configMap`. */}}
{{- define "identity-link.volumes" -}}
- name: config
  configMap:
    name: {{ .configMap }}
{{- with .root.Values.tls.secretName }}
- name: tls
  secret:
    secretName: {{ . }}
    defaultMode: 288 # 0440
{{- end }}
{{- range .root.Values.secretFiles }}
- name: secret-{{ . }}
  secret:
    secretName: {{ . }}
    defaultMode: 288 # 0440
{{- end }}
{{- end }}
