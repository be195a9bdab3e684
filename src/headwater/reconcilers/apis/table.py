"""Controllers of exports and bindings by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headwater.reconcilers.apis.apibinding import controller as apibinding
from headwater.reconcilers.apis.apibindingdeletion import controller as apibindingdeletion
from headwater.reconcilers.apis.apiexport import controller as apiexport
from headwater.reconcilers.apis.boundschema import controller as boundschema
from headwater.reconcilers.apis.endpointslice import controller as endpointslice
from headwater.reconcilers.interface import ControllerFactory

CONTROLLERS: Final[Mapping[str, ControllerFactory]] = {
    apiexport.CONTROLLER_NAME: apiexport.APIExportController,
    apibinding.CONTROLLER_NAME: apibinding.APIBindingController,
    apibindingdeletion.CONTROLLER_NAME: apibindingdeletion.APIBindingDeletionController,
    boundschema.CONTROLLER_NAME: boundschema.BoundSchemaController,
    endpointslice.CONTROLLER_NAME: endpointslice.APIExportEndpointSliceController,
}
