"""The key under which what is written is encrypted: that of the settings (CMEK), or none of ours.

https://cloud.google.com/bigquery/docs/customer-managed-encryption
"""

from google.cloud.bigquery import EncryptionConfiguration, Table

from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from jetstream_argo.warehouse.types import Write


def encryption(settings: BigQuerySettings) -> EncryptionConfiguration | None:
    """Return the key of what is made anew."""
    return EncryptionConfiguration(settings.kms_key) if settings.kms_key else None


def encryption_of(settings: BigQuerySettings, existing: Table | None, write: Write) -> EncryptionConfiguration | None:
    """Return the key that a write names: rows are added under the key that a table has, and replaced under ours."""
    if existing is None or write is not Write.APPEND:
        return encryption(settings)
    key = existing.encryption_configuration
    return key if key is not None and key.kms_key_name else None
