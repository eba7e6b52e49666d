"""What the web channel itself says: about a message that it could not take, never about the business."""

EMPTY = "您还没有写内容。想办什么，直接说一句就行，比如“帮我交居民医保”。"
TOO_LONG = "这段话太长了，我一次看不完。请分成短一点的几句再发。"
UNREADABLE = "这句话里有认不出来的字符。请重新打一遍再发。"
TOO_FAST = "您发得太快了，我跟不上。请等十秒钟再发。"
FAILED = "系统正忙，刚才那句没有办成。请点“再发一次”，不会重复扣钱。"
FAILED_FOR_GOOD = "刚才那句没有办成。请换个说法再试，或者拨打税务热线12366。"
