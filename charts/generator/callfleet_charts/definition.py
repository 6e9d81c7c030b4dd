"""Write the CustomResourceDefinition as a template: Helm upgrades none that lies in crds/. Pure."""

from typing import Final

_OPENING: Final = """\
{{- /* Written by `python charts/generator`; change the model of the fleet, not this file. */}}
{{- if .Values.crds.enabled }}
"""
_ANNOTATIONS: Final = "  annotations:\n"
_KEPT: Final = """\
    {{- if .Values.crds.keep }}
    helm.sh/resource-policy: keep
    {{- end }}
"""
_LABELS: Final = """\
  labels:
    {{- include "callfleet.labels" (dict "root" . "component" "crds") | nindent 4 }}
"""


def template(definition: str) -> str:
    """Make the template from the definition's text.

    Raises:
        ValueError: the text has no annotations to put one beside, or Helm would read into it.

    """
    if "{{" in definition:
        message = "the definition has {{ in it, which Helm reads as a template's: word it otherwise"
        raise ValueError(message)
    body = "".join(
        line for line in definition.splitlines(keepends=True) if not line.startswith("#")
    )
    before, found, after = body.partition(_ANNOTATIONS)
    if not found:
        message = "the definition has no annotations: put back callfleet.dev/schema"
        raise ValueError(message)
    return f"{_OPENING}{before}{_LABELS}{found}{_KEPT}{after}{{{{- end }}}}\n"
