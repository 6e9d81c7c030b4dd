{{- define "livekit.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* From a dict of `root` and `component`. */}}
{{- define "livekit.selector" -}}
app.kubernetes.io/name: {{ .component }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
{{- end -}}

{{- define "livekit.labels" -}}
{{ include "livekit.selector" . }}
app.kubernetes.io/part-of: livekit
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "livekit.secret" -}}
{{- default (printf "%s-keys" (include "livekit.fullname" .)) .Values.keys.existingSecret -}}
{{- end -}}

{{- define "livekit.redis.address" -}}
{{ include "livekit.fullname" . }}-redis.{{ .Release.Namespace }}.svc:6379
{{- end -}}

{{- define "livekit.server.config" -}}
{{- $config := deepCopy .Values.server.config }}
{{- if not $config.port }}
{{- fail "server.config.port is not set: Service, probes and workers need it; LiveKit's own is 7880" }}
{{- end }}
{{- if $config.keys }}
{{- fail "server.config.keys would be in a ConfigMap for everybody to read: name them as keys.apiKey and keys.apiSecret, or keys.existingSecret" }}
{{- end }}
{{- if .Values.redis.enabled }}
{{- if $config.redis }}
{{- fail "server.config.redis and redis.enabled contradict each other: set redis.enabled to false, or take the address out" }}
{{- end }}
{{- $_ := set $config "redis" (dict "address" (include "livekit.redis.address" .)) }}
{{- end }}
{{- if .Values.podMonitor.enabled }}
{{- $_ := set $config "prometheus" (merge (dict "port" (int .Values.podMonitor.port)) (get $config "prometheus" | default dict)) }}
{{- end }}
{{- with .Values.turn }}
{{- if .enabled }}
{{- $turn := get $config "turn" | default dict }}
{{- $_ := set $turn "enabled" true }}
{{- $_ := set $turn "domain" (required "turn.enabled needs turn.domain: the name in the certificate" .domain) }}
{{- $_ := set $turn "udp_port" (int .udpPort) }}
{{- $_ := set $turn "tls_port" (int .tlsPort) }}
{{- $_ := required "turn.enabled needs turn.tlsSecret: a Secret of type kubernetes.io/tls" .tlsSecret }}
{{- $_ := set $turn "cert_file" "/etc/livekit/turn/tls.crt" }}
{{- $_ := set $turn "key_file" "/etc/livekit/turn/tls.key" }}
{{- $_ := set $config "turn" $turn }}
{{- end }}
{{- end }}
{{- toYaml $config }}
{{- end -}}

{{- define "livekit.sip.config" -}}
{{- $config := deepCopy .Values.sip.config }}
{{- $_ := set $config "ws_url" (printf "ws://%s.%s.svc:%d" (include "livekit.fullname" .) .Release.Namespace (int .Values.server.config.port)) }}
{{- if .Values.redis.enabled }}
{{- $_ := set $config "redis" (dict "address" (include "livekit.redis.address" .)) }}
{{- end }}
{{- toYaml $config }}
{{- end -}}

{{/* What all pods of this chart have in common, from a dict of `root` and `host`. */}}
{{- define "livekit.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- if .host }}
hostNetwork: true
dnsPolicy: ClusterFirstWithHostNet
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . | quote }}
{{- end }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The container's image, command and bounds, from a dict of `of`, and `tag` where it has none. */}}
{{- define "livekit.container" -}}
image: {{ .of.image.repository }}:{{ default .tag .of.image.tag }}
{{- with .of.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
{{- with .of.command }}
command:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{- define "livekit.keys" -}}
{{- range list "LIVEKIT_API_KEY" "LIVEKIT_API_SECRET" }}
- name: {{ . }}
  valueFrom:
    secretKeyRef:
      name: {{ include "livekit.secret" $ | quote }}
      key: {{ . }}
{{- end }}
{{- end -}}
