"""Configs: YAML text -> marked nodes -> a checked plan -> objects.

A config is a call: capitalised words are things to build, lower-case words are their arguments. Everything is checked,
and every error shown with its place, before anything is built.
"""

from minigrad.config.plan import Plan, load_plan
from minigrad.config.problems import ConfigError, Problem
from minigrad.config.registry import Registry
from minigrad.config.schema import json_schema
from minigrad.config.signature import signature_of

__all__ = ["ConfigError", "Plan", "Problem", "Registry", "json_schema", "load_plan", "signature_of"]
