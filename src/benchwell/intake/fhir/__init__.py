"""FHIR R4: lines and Bundles in, canonical tables out; one decoder for exports, folders and single posts."""
