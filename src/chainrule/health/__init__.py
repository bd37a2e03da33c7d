"""Why a network does not learn: its layers, gradients, data and losses, and what to try."""

from chainrule.health.diagnosis import diagnose
from chainrule.health.findings import Finding
from chainrule.health.layers import LayerHealth, dead_units
from chainrule.health.report import Report

__all__ = ["Finding", "LayerHealth", "Report", "dead_units", "diagnose"]
