{{/* Written by `python charts/generator`; change docs/operator.md. */}}
{{- define "callfleet.rights.fleets" -}}
- apiGroups: [callfleet.dev]
  resources: [voicefleets]
  verbs: [get, list, watch]
- apiGroups: [callfleet.dev]
  resources: [voicefleets/status]
  verbs: [get, patch]
- apiGroups: ['']
  resources: [pods]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [controllerrevisions]
  verbs: [get, list, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, create, update]
- apiGroups: ['']
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{- define "callfleet.rights.lease" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, create, update]
{{- end -}}

{{- define "callfleet.rights.cluster" -}}
- apiGroups: ['']
  resources: [nodes]
  verbs: [get, list, watch]
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  resourceNames: [voicefleets.callfleet.dev]
  verbs: [get]
{{- end -}}
