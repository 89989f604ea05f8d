"""Statistics on plain arrays: intervals, missing follow-up, shrinkage, deciles, funnel, XmR, the light.

This room knows numbers and nothing else: no clinic, no table, no declaration. Each module holds one concept and
names the section of METHODS it implements; a kernel computes any valid input, gates belong to who publishes.
"""
