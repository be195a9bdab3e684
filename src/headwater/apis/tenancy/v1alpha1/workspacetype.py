"""WorkspaceType: what workspaces of a type start with, and where they may live."""

from __future__ import annotations

from headwater.apis.kind import AGE_COLUMN, Kind
from headwater.apis.markers import (
    Object,
    any_object,
    array,
    boolean,
    conditions,
    map_of,
    obj,
    properties,
    resource,
    string,
    with_rule,
)
from headwater.apis.tenancy.v1alpha1.workspace import CLUSTER_PATH_PATTERN, GROUP, TYPE_NAME_PATTERN

RESERVED_NAMES = frozenset({"any", "system"})
ROOT_TYPE_NAME = "root"

LIFECYCLE_INITIALIZE_ONLY = "InitializeOnly"
LIFECYCLE_MAINTAIN = "Maintain"

CONDITION_URLS_READY = "VirtualWorkspaceURLsReady"

SYSTEM_BINDINGS_INITIALIZER = "system:apibindings"
"""The initializer that stands for the default APIBindings of a type."""


def _reference(description: str) -> Object:
    return obj(
        description,
        required=["name"],
        name=string("Name of the WorkspaceType.", pattern=TYPE_NAME_PATTERN),
        path=string("Logical cluster path of the WorkspaceType; empty means this one.", pattern=CLUSTER_PATH_PATTERN),
    )


def _limit(relatives: str) -> Object:
    limit = obj(
        f"Which types {relatives} may have. Unset allows every type.",
        none=boolean(f"No {relatives} at all."),
        types=array(_reference("An allowed type."), "The allowed types.", min_items=1),
    )
    return with_rule(
        limit, "!(has(self.none) && self.none && has(self.types))", "only one of none and types may be set"
    )


def _spec() -> Object:
    return obj(
        "What the type means.",
        initializer=boolean("Whether workspaces of the type wait for an initializer of the type's owner."),
        terminator=boolean("Whether deletion of workspaces of the type waits for a terminator of the type's owner."),
        extend=properties(
            "Types that this one builds on: their initializers, bindings, labels and limits apply too.",
            {"with": array(_reference("A type that this one builds on."), "The extended types.", min_items=1)},
        ),
        additionalWorkspaceLabels=map_of(string(), "Labels put on every workspace of the type."),
        defaultChildWorkspaceType=_reference("The type of child workspaces that name none."),
        limitAllowedChildren=_limit("children"),
        limitAllowedParents=_limit("parents"),
        defaultAPIBindings=array(
            obj(
                "An export to bind.",
                required=["export", "path"],
                export=string("Name of the APIExport.", min_length=1),
                path=string("Logical cluster path of the APIExport.", pattern=CLUSTER_PATH_PATTERN),
            ),
            "Exports that are bound in every new workspace of the type.",
            map_keys=["path", "export"],
        ),
        defaultAPIBindingLifecycle=string(
            "Whether default bindings are only made at first, or kept up to date later.",
            enum=[LIFECYCLE_INITIALIZE_ONLY, LIFECYCLE_MAINTAIN],
            default=LIFECYCLE_INITIALIZE_ONLY,
        ),
        authenticationConfigurations=array(
            obj(required=["name"], name=string("Name of the WorkspaceAuthenticationConfiguration.")),
            "Authentication that holds in workspaces of the type besides the server's.",
        ),
        initializerPermissions=array(any_object(), "RBAC rules of the initializer in a new workspace."),
        terminatorPermissions=array(any_object(), "RBAC rules of the terminator in a dying workspace."),
    )


def _status() -> Object:
    return obj(
        "What the system knows of the type.",
        conditions=conditions(),
        virtualWorkspaces=array(
            obj(
                "One URL.",
                required=["url"],
                url=string("The URL.", min_length=1),
                type=string("What it shows: initializing or terminating workspaces."),
            ),
            "Where initializers and terminators see the workspaces that wait for them.",
        ),
    )


WORKSPACE_TYPE = Kind(
    group=GROUP,
    version="v1alpha1",
    kind="WorkspaceType",
    plural="workspacetypes",
    singular="workspacetype",
    schema=resource("A type of workspace.", spec=_spec(), status=_status()),
    columns=(AGE_COLUMN,),
)
