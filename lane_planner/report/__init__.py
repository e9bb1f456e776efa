"""Results → text and documents: functions from a result to a string, without any printing."""
