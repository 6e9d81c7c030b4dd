{{/* Names. */}}
{{- define "callfleet.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "callfleet.operator.name" -}}{{ include "callfleet.fullname" . }}-operator{{- end -}}

{{/* A name in the whole cluster, where two namespaces may have a release of one name. Roles are named
with up to 253 characters, so nothing of it is cut off. */}}
{{- define "callfleet.cluster.name" -}}
{{ .Release.Namespace }}-{{ include "callfleet.operator.name" . }}
{{- end -}}

{{- define "callfleet.operator.account" -}}
{{- if .Values.operator.serviceAccount.create -}}
{{- default (include "callfleet.operator.name" .) .Values.operator.serviceAccount.name -}}
{{- else -}}
{{- required "operator.serviceAccount.create is false and operator.serviceAccount.name is not set: name the account that is to have the operator's rights, or let it be made" .Values.operator.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "callfleet.worker.account" -}}
{{- if .Values.worker.serviceAccount.create -}}
{{- default (printf "%s-worker" (include "callfleet.fullname" .)) .Values.worker.serviceAccount.name -}}
{{- else -}}
{{- .Values.worker.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "callfleet.keys.secret" -}}
{{- default (printf "%s-keys" (include "callfleet.operator.name" .)) .Values.operator.keys.existingSecret -}}
{{- end -}}

{{- define "callfleet.livekit.secret" -}}
{{- if .Values.livekit.existingSecret -}}
{{- .Values.livekit.existingSecret -}}
{{- else if .Values.livekit.apiKey -}}
{{- printf "%s-livekit" (include "callfleet.fullname" .) -}}
{{- end -}}
{{- end -}}

{{- define "callfleet.model.secret" -}}
{{- if .Values.model.existingSecret -}}
{{- .Values.model.existingSecret -}}
{{- else if .Values.model.keys -}}
{{- printf "%s-model" (include "callfleet.fullname" .) -}}
{{- end -}}
{{- end -}}

{{- define "callfleet.emulator.name" -}}{{ include "callfleet.fullname" . }}-emulator{{- end -}}

{{- define "callfleet.emulator.host" -}}
{{ include "callfleet.emulator.name" . }}.{{ .Release.Namespace }}.svc
{{- end -}}

{{- define "callfleet.emulator.secret" -}}
{{- default (include "callfleet.emulator.name" .) .Values.emulator.tlsSecret -}}
{{- end -}}

{{/* An image, from a dict of `of` (repository, tag, digest) and `root`. */}}
{{- define "callfleet.image" -}}
{{- if .of.digest -}}
{{- printf "%s@%s" .of.repository .of.digest -}}
{{- else -}}
{{- printf "%s:%s" .of.repository (default .root.Chart.AppVersion .of.tag) -}}
{{- end -}}
{{- end -}}

{{/* Labels of everything, from a dict of `root` and `component`, and `more` that win over the common
ones. */}}
{{- define "callfleet.labels" -}}
{{- $own := include "callfleet.labels.own" . }}
{{- $own }}
{{- with include "callfleet.labels.more" (dict "root" .root "more" .more "own" $own) }}
{{ . }}
{{- end }}
{{- end -}}

{{- define "callfleet.labels.own" -}}
{{ include "callfleet.selector" . }}
app.kubernetes.io/part-of: callfleet
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The labels that a user wants, from a dict of `root`, `more` and `own`: those that are set anyway. */}}
{{- define "callfleet.labels.more" -}}
{{- $own := fromYaml .own }}
{{- with merge dict (default dict .more) (default dict .root.Values.commonLabels) }}
{{- range $name, $_ := . }}
{{- if hasKey $own $name }}
{{- fail (printf "the chart sets the label %s itself: take it out of commonLabels, operator.podLabels or an additionalLabels" $name) }}
{{- end }}
{{- end }}
{{- toYaml . }}
{{- end }}
{{- end -}}

{{- define "callfleet.selector" -}}
app.kubernetes.io/name: {{ printf "callfleet-%s" .component }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
{{- end -}}

{{/* What the containers of this chart may do: nothing. */}}
{{- define "callfleet.container.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "callfleet.pod.security" -}}
runAsNonRoot: true
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "callfleet.pull.secrets" -}}
{{- range .Values.imagePullSecrets }}
- name: {{ . | quote }}
{{- end }}
{{- end -}}
