{{/* Write one map over another, in place: maps are merged, all else is replaced, also by 0 and false
(which sprig's mergeOverwrite passes over). Takes a list of both. */}}
{{- define "callfleet.over" -}}
{{- $over := index . 0 }}
{{- $under := index . 1 }}
{{- range $key, $value := $over }}
{{- if and (kindIs "map" $value) (kindIs "map" (get $under $key)) }}
{{- include "callfleet.over" (list $value (get $under $key)) }}
{{- else }}
{{- $_ := set $under $key $value }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What the values of this chart say to a worker by its environment, as a map. */}}
{{- define "callfleet.worker.environment" -}}
{{- with .Values.model }}
{{- with .names }}
CALLFLEET_MODEL__NAMES: {{ join "," . | quote }}
{{- end }}
{{- with .baseUrl }}
CALLFLEET_MODEL__BASE_URL: {{ . | quote }}
{{- end }}
{{- with .vertex.project }}
CALLFLEET_MODEL__VERTEX_PROJECT: {{ . | quote }}
{{- end }}
{{- with .vertex.location }}
CALLFLEET_MODEL__VERTEX_LOCATION: {{ . | quote }}
{{- end }}
{{- end }}
{{- if .Values.emulator.enabled }}
CALLFLEET_MODEL__BASE_URL: https://{{ include "callfleet.emulator.host" . }}:8443
CALLFLEET_MODEL__CA_FILE: /etc/callfleet/emulator/ca.crt
CALLFLEET_MODEL__PROFILE: {{ .Values.emulator.timing }}
GOOGLE_API_KEY: any
{{- end }}
{{- if .Values.caBundle.configMap }}
SSL_CERT_FILE: {{ include "callfleet.ca.file" . | quote }}
{{- end }}
{{- with include "callfleet.proxy" . }}
{{ . }}
{{- end }}
{{- with include "callfleet.telemetry" (dict "root" . "prefix" "CALLFLEET_TELEMETRY__") }}
{{ . }}
{{- end }}
{{- end -}}

{{/* Where to send telemetry, as variables, from a dict of `root` and `prefix`. What is as programs have
it is not said: one of an earlier version would not know it. */}}
{{- define "callfleet.telemetry" -}}
{{- $otlp := .root.Values.telemetry.otlp }}
{{- if $otlp.endpoint }}
{{ .prefix }}OTLP_ENDPOINT: {{ $otlp.endpoint | quote }}
{{- if ne $otlp.protocol "http/protobuf" }}
{{ .prefix }}OTLP_PROTOCOL: {{ $otlp.protocol | quote }}
{{- end }}
{{- if ne (join "," $otlp.signals) "traces,metrics,logs" }}
{{ .prefix }}SIGNALS: {{ join "," $otlp.signals | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "callfleet.telemetry.secret" -}}
{{- with .Values.telemetry.otlp }}{{ if .endpoint }}{{ .existingSecret }}{{ end }}{{ end }}
{{- end -}}

{{- define "callfleet.proxy" -}}
{{- with .Values.proxy }}
{{- with .https }}
HTTPS_PROXY: {{ . | quote }}
{{- end }}
{{- with .http }}
HTTP_PROXY: {{ . | quote }}
{{- end }}
{{- if and .none (or .https .http) }}
NO_PROXY: {{ .none | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "callfleet.ca.file" -}}/etc/callfleet/ca/{{ .Values.caBundle.key }}{{- end -}}

{{- define "callfleet.ca.volume" -}}
name: ca-bundle
configMap:
  name: {{ .Values.caBundle.configMap | quote }}
{{- end -}}

{{- define "callfleet.ca.mount" -}}
name: ca-bundle
mountPath: /etc/callfleet/ca
readOnly: true
{{- end -}}

{{/* Of the emulator's Secret workers have the authority alone, and never its key. */}}
{{- define "callfleet.emulator.volume" -}}
name: emulator-ca
secret:
  secretName: {{ include "callfleet.emulator.secret" . | quote }}
  items:
    - {key: ca.crt, path: ca.crt}
{{- end -}}

{{- define "callfleet.emulator.mount" -}}
name: emulator-ca
mountPath: /etc/callfleet/emulator
readOnly: true
{{- end -}}

{{/* What, changed, has to reach workers that read it at their start. */}}
{{- define "callfleet.worker.checksum" -}}
{{- $said := dict }}
{{- with .Values.worker.secretsRevision }}{{ $_ := set $said "revision" . }}{{ end }}
{{- if and .Values.livekit.apiKey (not .Values.livekit.existingSecret) }}
{{- $_ := set $said "livekit" (list .Values.livekit.apiKey .Values.livekit.apiSecret) }}
{{- end }}
{{- if and .Values.model.keys (not .Values.model.existingSecret) }}
{{- $_ := set $said "model" .Values.model.keys }}
{{- end }}
{{- with $said }}{{ toJson . | sha256sum | trunc 16 }}{{ end }}
{{- end -}}

{{/* The pod template that every fleet of this release has unless it says otherwise. */}}
{{- define "callfleet.worker.template" -}}
image: {{ include "callfleet.image" (dict "of" .Values.worker.image "root" .) }}
{{- with .Values.worker.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "callfleet.worker.account" . }}
serviceAccountName: {{ . | quote }}
{{- end }}
{{- with include "callfleet.worker.checksum" . }}
annotations:
  checksum/secrets: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* The spec of a fleet, from a dict of `root` and `fleet`. */}}
{{- define "callfleet.fleet.spec" -}}
{{- $root := .root }}
{{- $spec := dict "template" (include "callfleet.worker.template" $root | fromYaml) }}
{{- with $root.Values.livekit.url }}{{ $_ := set $spec "livekitURL" . }}{{ end }}
{{- with $root.Values.slotsPerPod }}{{ $_ := set $spec "slotsPerPod" (int .) }}{{ end }}
{{- include "callfleet.over" (list (deepCopy (default dict $root.Values.fleetDefaults)) $spec) }}
{{- include "callfleet.over" (list (deepCopy .fleet) $spec) }}
{{- $template := $spec.template }}
{{- $secrets := list }}
{{- range list (include "callfleet.livekit.secret" $root) (include "callfleet.model.secret" $root) (include "callfleet.telemetry.secret" $root) }}
{{- if . }}{{ $secrets = append $secrets . }}{{ end }}
{{- end }}
{{- $secrets = concat $secrets ($template.secrets | default list) | uniq }}
{{- if $secrets }}{{ $_ := set $template "secrets" $secrets }}{{ end }}
{{- $own := $template.env | default list }}
{{- $named := dict }}
{{- range $own }}{{ $_ := set $named .name true }}{{ end }}
{{- $env := list }}
{{- range $name, $value := include "callfleet.worker.environment" $root | fromYaml }}
{{- if not (hasKey $named $name) }}{{ $env = append $env (dict "name" $name "value" $value) }}{{ end }}
{{- end }}
{{- $env = concat $env $own }}
{{- if $env }}{{ $_ := set $template "env" $env }}{{ end }}
{{- $files := list }}
{{- if $root.Values.caBundle.configMap }}{{ $files = append $files "callfleet.ca" }}{{ end }}
{{- if $root.Values.emulator.enabled }}{{ $files = append $files "callfleet.emulator" }}{{ end }}
{{- range $files }}
{{- range $field, $name := dict "volumes" (printf "%s.volume" .) "volumeMounts" (printf "%s.mount" .) }}
{{- $ours := include $name $root | fromYaml }}
{{- $_ := set $template $field (append (get $template $field | default list) $ours) }}
{{- end }}
{{- end }}
{{- toYaml $spec }}
{{- end -}}
