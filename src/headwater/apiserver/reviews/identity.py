"""TokenReview and SelfSubjectReview: whose token is this, and who am I?"""

from __future__ import annotations

from typing import Final

from headwater.apiserver.authn.interface import ALL_AUTHENTICATED, TokenAuthenticator, UserInfo
from headwater.apiserver.authn.tokens import peek_claims
from headwater.apiserver.resources import SubresourceCall
from headwater.apiserver.reviews.access import review
from headwater.machinery.errors import BadRequest, Unauthorized
from headwater.machinery.gvk import GroupVersionKind
from headwater.machinery.objects import Object

GROUP: Final = "authentication.k8s.io"


def user_object(user: UserInfo) -> Object:
    """A user as an authentication.k8s.io UserInfo."""
    described: Object = {"username": user.name}
    if user.uid:
        described["uid"] = user.uid
    if user.groups:
        described["groups"] = list(user.groups)
    if user.extra:
        described["extra"] = {key: list(values) for key, values in user.extra.items()}
    return described


class SelfSubjectReview:
    """Says who the caller is, as `kubectl auth whoami` shows it."""

    verbs = ("create",)
    kind = GroupVersionKind(GROUP, "v1", "SelfSubjectReview")

    async def handle(self, call: SubresourceCall) -> Object:
        answer = review(self.kind, call.body or {}, {}, {"userInfo": user_object(call.user)})
        del answer["spec"]
        return answer


class TokenReview:
    """Checks a bearer token for another service. `audience` is the one that tokens without audiences are good for."""

    verbs = ("create",)
    kind = GroupVersionKind(GROUP, "v1", "TokenReview")

    def __init__(self, tokens: TokenAuthenticator, *, audience: str = "") -> None:
        self._tokens = tokens
        self._audience = audience

    async def handle(self, call: SubresourceCall) -> Object:
        body = call.body or {}
        spec = body.get("spec")
        spec = spec if isinstance(spec, dict) else {}
        token = spec.get("token")
        if not isinstance(token, str) or not token:
            raise BadRequest("token is required for TokenReview in authentication")
        audiences = spec.get("audiences") or []
        if not isinstance(audiences, list) or not all(isinstance(item, str) for item in audiences):
            raise BadRequest("audiences of the spec must be a list of strings")
        return review(self.kind, body, spec, await self._check(token, tuple(audiences)))

    async def _check(self, token: str, audiences: tuple[str, ...]) -> Object:
        try:
            user = await self._tokens.authenticate_token(token, audiences)
        except Unauthorized as error:
            return {"authenticated": False, "user": {}, "error": str(error)}
        if user is None:
            return {"authenticated": False, "user": {}, "error": "invalid bearer token"}
        accepted = self._accepted(token, audiences)
        if audiences and not accepted:
            return {"authenticated": False, "user": {}, "error": "the token is for another audience"}
        groups = user.groups if ALL_AUTHENTICATED in user.groups else (*user.groups, ALL_AUTHENTICATED)
        status: Object = {
            "authenticated": True,
            "user": user_object(UserInfo(user.name, user.uid, groups, user.extra)),
        }
        if accepted:
            status["audiences"] = accepted
        return status

    def _accepted(self, token: str, audiences: tuple[str, ...]) -> list[str]:
        # The token was verified, so what it says about its audiences can be believed.
        claims = peek_claims(token)
        stated = claims.get("aud") if claims is not None else None
        good_for = stated if isinstance(stated, list) else [self._audience]
        return [audience for audience in (audiences or (self._audience,)) if audience and audience in good_for]
