"""The import of APIs: the pcluster's schemas, compared with those of the exports."""

from headwater.syncer.schemas.importer import ApiImporter
from headwater.syncer.schemas.verdict import Verdict

__all__ = ["ApiImporter", "Verdict"]
