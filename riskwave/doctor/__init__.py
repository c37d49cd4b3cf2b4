"""`riskwave doctor`: what is installed, what is missing, and what each missing thing would enable."""

from riskwave.doctor.cli import doctor_command
from riskwave.doctor.finding import Finding

__all__ = ["Finding", "doctor_command"]
