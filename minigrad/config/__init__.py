"""Configs: YAML text to nodes, a checked plan, and objects.

A config is a call: capitalized words are classes to build, lower-case words are their arguments. Everything is checked
before anything is built, and every error is reported with its place.
"""

from minigrad.config.diagnostics import ConfigError, Diagnostic
from minigrad.config.plan import Plan, load_plan, parse_plan
from minigrad.config.registry import Registry
from minigrad.config.schema import json_schema
from minigrad.config.signature import signature_of

__all__ = ["ConfigError", "Diagnostic", "Plan", "Registry", "json_schema", "load_plan", "parse_plan", "signature_of"]
