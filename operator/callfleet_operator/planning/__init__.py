"""Decide what is to be done to a fleet. No clock, no network: ``plan(snapshot) -> Plan``."""
