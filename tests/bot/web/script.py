"""A scripted conversation that shows every card, and what the tests read of it afterwards."""

import asyncio
from datetime import timedelta

from bot.channels.base import Message, UserMessage
from services.domain.errors import Refused, Unavailable
from services.ports import Clock


class Script:
    """Answers by keyword. `heard` is what reached the conversation; `failures` makes the next turns fail."""

    def __init__(self, clock: Clock, base: str) -> None:
        self.clock, self.base = clock, base
        self.heard: list[UserMessage] = []
        self.failures: list[Exception] = []
        self.gate: asyncio.Event | None = None

    async def __call__(self, message: UserMessage) -> list[Message]:
        self.heard.append(message)
        if self.gate is not None:
            await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        return self.answer(message.text)

    def answer(self, text: str) -> list[Message]:
        cards = self.cards()
        for word, answers in cards.items():
            if word in text:
                return answers
        return [{"text": f"听到了：{text}"}]

    def cards(self) -> dict[str, list[Message]]:
        soon = (self.clock.now() + timedelta(minutes=15)).isoformat(timespec="seconds")
        base = self.base
        return {
            "/pay_insurance": [
                {
                    "text": "办理前，要先确认您本人的身份。请打开授权页面，同意使用您的姓名和证件号码。",
                    "buttons": [{"title": "拒绝，自己输入", "payload": "/deny"}],
                    "custom": {
                        "kind": "authorization_request",
                        "url": f"{base}/sandbox/consent",
                        "state": "x",
                        "expires_at": soon,
                    },
                }
            ],
            "/deny": [
                {
                    "text": "还差一步：请打开核验页面，完成身份核验。办好后回来说“好了”。",
                    "custom": {
                        "kind": "identity_verification",
                        "url": f"{base}/sandbox/verify",
                        "expires_at": soon,
                    },
                }
            ],
            "菜单": [
                {
                    "text": "我可以帮您办这些事，请点一项。",
                    "custom": {
                        "kind": "menu",
                        "items": [
                            {"title": "缴居民医保", "payload": "/pay_insurance"},
                            {"title": "缴灵活就业养老保险", "payload": "/pay_insurance"},
                            {"title": "开缴费记录凭证", "payload": "/get_certificate"},
                            {"title": "查付款结果", "payload": "/check_payment_status"},
                        ],
                    },
                }
            ],
            "经办": [
                {
                    "text": "您在两处都有登记。这次给哪一处缴？",
                    "custom": {
                        "kind": "choice",
                        "slot": "agency",
                        "options": [
                            {
                                "value": "520103",
                                "title": "贵阳市云岩区社保局",
                                "payload": '/inform{"agency": "520103"}',
                                "note": "2019年起参保，上次在这里缴",
                            },
                            {
                                "value": "520102",
                                "title": "贵阳市南明区社保局",
                                "payload": '/inform{"agency": "520102"}',
                                "note": "2023年起参保",
                            },
                        ],
                    },
                }
            ],
            "档次": [
                {
                    "text": "您上次选的是80%，每月1184元，6个月一共7104元。其他的从60%到300%，每10%一档。您要缴哪一档？",
                    "buttons": [{"title": "依据是什么", "payload": "依据是什么"}],
                    "custom": {
                        "kind": "choice",
                        "slot": "tier",
                        "options": [
                            {
                                "value": f"{n}%",
                                "title": f"{n}%，每月{n * 14.8:.0f}元",
                                "payload": f'/inform{{"tier": "{n}%"}}',
                                "note": f"{'和上次一样，' if n == 80 else ''}6个月{n * 88.8:.0f}元，基数{n * 74}元",
                            }
                            for n in (80, *(n for n in range(60, 301, 10) if n != 80))
                        ],
                    },
                }
            ],
            "/inform": [
                {
                    "text": "请您核对：给王小芳缴居民医保，2027年度，一共400元。对的话，请说“确认支付”。",
                    "buttons": [
                        {"title": "确认支付", "payload": '/affirm{"draft_id": "D1"}'},
                        {"title": "改一下", "payload": "/change_answer"},
                        {"title": "取消", "payload": "/cancel"},
                    ],
                    "custom": {
                        "kind": "payment_confirmation",
                        "draft_id": "D1",
                        "payer": "**芳",
                        "insured": "**芳",
                        "insured_group": "urban_rural_resident",
                        "insurance": "medical",
                        "payment_type": "normal",
                        "agency": "520103",
                        "fee_year": 2027,
                        "lines": [
                            {"label": "付款人", "value": "**芳"},
                            {"label": "参保人", "value": "**芳"},
                            {"label": "险种", "value": "城乡居民医疗保险"},
                            {"label": "经办机构", "value": "贵阳市云岩区医疗保障局"},
                            {"label": "缴费年度", "value": "2027年度"},
                            {"label": "应缴合计", "value": "400元"},
                        ],
                        "total": "400.00",
                    },
                }
            ],
            "/affirm": [
                {
                    "text": "居民医保，400元。请打开付款页面，10点15分前有效。付好后回来说“好了”。",
                    "buttons": [
                        {"title": "我付好了", "payload": "/check_payment_status"},
                        {"title": "不付了", "payload": "/cancel"},
                    ],
                    "custom": {
                        "kind": "payment_request",
                        "order_no": "GZ1K7M2Q9XW3T5V8B4N6P1",
                        "total": "400.00",
                        "provider": "alipay",
                        "cashier_url": f"{base}/sandbox/alipay/cashier?o=1",
                        "qr_code": "https://qr.alipay.com/bax03431ljhokirwl38f00a7",
                        "expires_at": soon,
                    },
                }
            ],
            "/check_payment_status": [self.status("pending")],
            "付成功": [
                self.status(
                    "paid",
                    paid_at=self.clock.now().isoformat(),
                    booked=False,
                    records_available_on="2026-11-26",
                )
            ],
            "入账了": [
                self.status(
                    "paid",
                    paid_at=self.clock.now().isoformat(),
                    booked=True,
                    records_available_on="2026-11-26",
                )
            ],
            "关闭了": [self.status("closed")],
            "退款中": [self.status("refunding")],
            "退款好": [self.status("refunded")],
            "记录": [
                {
                    "text": "查到您的已缴费记录2条。",
                    "custom": {
                        "kind": "records",
                        "query_kind": "paid",
                        "next": "/next_page",
                        "items": [
                            {
                                "id": str(n),
                                "title": f"城乡居民医疗保险 {2025 + n}年度",
                                "lines": [
                                    {"label": "金额", "value": "400元"},
                                    {"label": "入库日期", "value": "2026年1月7日"},
                                ],
                                "action": {"title": "开具", "payload": f"/issue{n}"},
                            }
                            for n in (0, 1)
                        ],
                    },
                }
            ],
            "/get_certificate": [
                {
                    "text": "2026年的缴费记录凭证开好了，可以打开看，也可以下载。",
                    "custom": {
                        "kind": "document",
                        "title": "社会保险费缴费记录凭证",
                        "number": "GZ2026-7K3M-9QXW",
                        "url": f"{base}/documents/abc",
                        "preview_url": f"{base}/documents/abc/preview.png",
                        "expires_at": soon,
                        "sha256": "0" * 64,
                    },
                }
            ],
            "/request_human": [
                {
                    "text": "正在为您找人工，前面还有2位。",
                    "custom": {"kind": "handoff", "state": "queued", "position": 3},
                }
            ],
            "忙": [
                {
                    "text": "系统正忙，没有扣钱。请过一两分钟再试。",
                    "custom": {"kind": "error", "code": "unavailable", "retryable": True},
                }
            ],
            "不认识": [{"text": "这张卡片还没有样子。", "custom": {"kind": "hologram", "x": 1}}],
            "坏链接": [
                {
                    "text": "点这里",
                    "custom": {
                        "kind": "authorization_request",
                        "url": "https://evil.example/login",
                        "state": "x",
                        "expires_at": soon,
                    },
                },
                {
                    "text": "再点这里",
                    "custom": {
                        "kind": "identity_verification",
                        "url": "javascript:alert(1)",
                        "expires_at": soon,
                    },
                },
            ],
            "三句": [{"text": "第一句"}, {"text": "第二句"}, {"text": "第三句"}],
        }

    def status(self, status: str, **more: object) -> Message:
        words = {
            "pending": "居民医保，400元，还没有收到付款。",
            "paid": "已付款400元，居民医保缴好了。",
            "closed": "这笔单子已经关闭，没有扣钱。",
            "refunding": "这笔400元正在原路退回。",
            "refunded": "这笔400元已经原路退回。",
        }
        return {
            "text": words[status],
            "custom": {
                "kind": "payment_status",
                "order_no": "GZ1K7M2Q9XW3T5V8B4N6P1",
                "status": status,
                "total": "400.00",
                **more,
            },
        }

    def fail_next(self, *, retryable: bool = True) -> None:
        self.failures.append(Unavailable() if retryable else Refused())
