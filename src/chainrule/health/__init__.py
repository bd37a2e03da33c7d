"""Why a network does not learn: its numbers layer by layer, what they say, and what to try."""

from chainrule.health.dead import dead_units as dead_units
from chainrule.health.diagnosis import diagnose as diagnose
from chainrule.health.finding import Finding as Finding
from chainrule.health.measurement import LayerHealth as LayerHealth
from chainrule.health.report import Report as Report
