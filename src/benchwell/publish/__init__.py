"""What leaves in the formats of others: FHIR MeasureReport, Measure, Library, scores as Observations."""
