"""Problems: what a refusal looks like to an HTTP client (RFC 9457).

Every answer that is not a success is a JSON object with C{type}, C{title}, C{status},
C{detail} and C{instance}, and with the facts of its refusal beside them.  C{type} and
C{status} are the contract; the words are for people, in English or Chinese.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum
from http import HTTPStatus

from attrs import frozen

from chargecloud.domain import errors
from chargecloud.domain.errors import Refusal
from chargecloud.registry.users import TooManyTries, WrongPassword

#: seconds after which one who met a full queue may try again; our queues are emptied
#: several times in a second, and the client's own back-off spreads the rest
RETRY_AFTER_S = 1


class BadRequest(Refusal):
    """A request that cannot be read: its path, a header or the form of its body."""

    code = "bad-request"


class NotAuthenticated(Refusal):
    """No token, or one that is not known."""

    code = "not-authenticated"


class NotPermitted(Refusal):
    """The token is known and does not allow this."""

    code = "not-permitted"


class NoSuchMethod(Refusal):
    """The path is there and has no such method.

    @ivar allowed: the methods it has.
    """

    code = "method-not-allowed"

    def __init__(self, detail: str, allowed: Sequence[str]) -> None:
        super().__init__(detail, allowed=allowed)
        self.allowed = allowed


class BodyTooLarge(Refusal):
    """More bytes than a body may have."""

    code = "body-too-large"


class NotJson(Refusal):
    """The body is of another type than C{application/json}."""

    code = "not-json"


class WrongMediaType(Refusal):
    """The body is of another type than the operation takes, which is not JSON."""

    code = "wrong-media-type"


class Fault(Refusal):
    """Our own fault, of which the client learns nothing but where we wrote it down."""

    code = "internal-error"


class Language(Enum):
    """The languages that titles are written in."""

    EN = "en"
    ZH = "zh"


@frozen
class Kind:
    """What all problems of one kind share."""

    status: HTTPStatus
    en: str
    zh: str

    def title(self, language: Language) -> str:
        """The kind in a few words."""
        return self.zh if language is Language.ZH else self.en


#: A refusal is of the kind of its nearest ancestor here, so a plugin's own refusal that
#: derives from L{errors.Conflict} is a 409 under its own C{type}.
KINDS: Mapping[type[Refusal], Kind] = {
    Refusal: Kind(HTTPStatus.CONFLICT, "Refused", "请求被拒绝"),
    errors.NotFound: Kind(HTTPStatus.NOT_FOUND, "Not found", "未找到"),
    errors.Invalid: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid values", "参数无效"),
    errors.TariffError: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid tariff", "资费无效"),
    errors.RequestKeyReused: Kind(
        HTTPStatus.UNPROCESSABLE_ENTITY, "Idempotency-Key used before", "幂等键已用于其他请求"
    ),
    errors.Conflict: Kind(HTTPStatus.CONFLICT, "Not in this state", "当前状态不允许此操作"),
    errors.AlreadyExists: Kind(HTTPStatus.CONFLICT, "Exists already", "已存在"),
    errors.NotSupported: Kind(
        HTTPStatus.CONFLICT, "Not supported by this charger", "该设备不支持此命令"
    ),
    errors.OutOfService: Kind(HTTPStatus.CONFLICT, "Charger out of service", "充电设备已停用"),
    errors.Edited: Kind(
        HTTPStatus.PRECONDITION_FAILED, "Edited by somebody else meanwhile", "已被他人修改"
    ),
    errors.PortBusy: Kind(HTTPStatus.CONFLICT, "Port in use", "充电口使用中"),
    errors.InsufficientFunds: Kind(HTTPStatus.CONFLICT, "Not enough money", "余额不足"),
    errors.CouponRefused: Kind(HTTPStatus.CONFLICT, "Coupon not valid here", "优惠券不可用"),
    errors.MonthCardRefused: Kind(HTTPStatus.CONFLICT, "Month card not valid here", "月卡不可用"),
    errors.ChannelRefused: Kind(
        HTTPStatus.CONFLICT, "Refused by the payment channel", "支付渠道拒绝"
    ),
    errors.ChannelAway: Kind(
        HTTPStatus.SERVICE_UNAVAILABLE, "Payment channel does not answer", "支付渠道无应答"
    ),
    errors.NoticeRefused: Kind(HTTPStatus.BAD_REQUEST, "Notice not believed", "支付通知无效"),
    errors.ChargerOffline: Kind(HTTPStatus.CONFLICT, "Charger offline", "充电设备离线"),
    errors.StorageFull: Kind(
        HTTPStatus.INSUFFICIENT_STORAGE, "No room for a charge", "存储空间不足"
    ),
    errors.CommandTimedOut: Kind(
        HTTPStatus.GATEWAY_TIMEOUT, "Charger did not answer", "充电设备未应答"
    ),
    errors.Overloaded: Kind(
        HTTPStatus.SERVICE_UNAVAILABLE, "Try again later", "系统繁忙, 请稍后重试"
    ),
    errors.NodesApart: Kind(
        HTTPStatus.SERVICE_UNAVAILABLE, "No way to the charger's node", "无法连接到设备所在节点"
    ),
    BadRequest: Kind(HTTPStatus.BAD_REQUEST, "Bad request", "请求格式错误"),
    WrongPassword: Kind(HTTPStatus.UNAUTHORIZED, "Wrong name or password", "用户名或密码错误"),
    TooManyTries: Kind(HTTPStatus.TOO_MANY_REQUESTS, "Too many tries", "尝试次数过多"),
    NotAuthenticated: Kind(HTTPStatus.UNAUTHORIZED, "Not authenticated", "未认证"),
    NotPermitted: Kind(HTTPStatus.FORBIDDEN, "Not permitted", "无权限"),
    NoSuchMethod: Kind(HTTPStatus.METHOD_NOT_ALLOWED, "No such method", "不支持的请求方法"),
    BodyTooLarge: Kind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Body too large", "请求体过大"),
    NotJson: Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Not JSON", "请求体必须为 JSON"),
    WrongMediaType: Kind(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Wrong type of body", "不支持的请求体类型"
    ),
    Fault: Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "Our fault", "系统内部错误"),
}


def kind_of(refusal: type[Refusal]) -> Kind:
    """The kind of problem that a refusal is."""
    return next(KINDS[ancestor] for ancestor in refusal.__mro__ if ancestor in KINDS)


def write(refusal: Refusal, instance: str, language: Language) -> bytes:
    """
    The JSON text of a problem.

    A fact never hides a standard member.  A fact that is an id is written as a string,
    as ids are everywhere in the API.

    @param instance: path of the request.
    """
    kind = kind_of(type(refusal))
    problem: dict[str, object] = {
        "type": f"/problems/{refusal.code}",
        "title": kind.title(language),
        "status": kind.status.value,
        "detail": refusal.detail,
        "instance": instance,
    }
    for name, value in refusal.facts.items():
        is_id = name.endswith("_id") and isinstance(value, int)
        problem.setdefault(name, str(value) if is_id else value)
    text = json.dumps(problem, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return text.encode("utf-8", "replace")


def _plain(fact: object) -> object:
    """A fact that is no JSON.  Whatever it is, telling the problem must not fail on it."""
    match fact:
        case Enum():
            return fact.value
        case date():
            return fact.isoformat()
        case tuple() | set() | frozenset():
            return list(fact)
    return str(fact)


def headers(refusal: Refusal) -> dict[str, str]:
    """The headers that HTTP wants beside some problems."""
    match refusal:
        case NotAuthenticated() | WrongPassword():
            return {"WWW-Authenticate": "Bearer"}
        case TooManyTries(facts={"retry_s": retry_s}):
            return {"Retry-After": str(retry_s)}
        case NoSuchMethod(allowed=allowed):
            return {"Allow": ", ".join(allowed)}
        case errors.Overloaded() | errors.NodesApart() | errors.ChannelAway():
            return {"Retry-After": str(RETRY_AFTER_S)}
    return {}
