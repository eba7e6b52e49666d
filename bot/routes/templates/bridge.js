
// Calls WeChat's own bridge. What it answers proves nothing: the service asks the gateway.
const button = document.getElementById("pay"), line = document.getElementById("say");
const names = ["appId", "timeStamp", "nonceStr", "package", "signType", "paySign"];
const wishes = Object.fromEntries(names.map((name) => [name, button.dataset[name.toLowerCase()]]));
const SAYS = {
  ok: "付好了。请回到聊天窗口，说“好了”。",
  cancel: "还没有付款，没有扣您的钱。想付的话，再点一次。",
  fail: "没有付成。请回到聊天窗口，说“刷新”，看看结果再付。",
};

function call() {
  WeixinJSBridge.invoke("getBrandWCPayRequest", wishes, ({ err_msg: said }) => {
    const result = String(said).split(":").pop();
    line.textContent = SAYS[result] || SAYS.fail;
    button.hidden = result !== "cancel";
  });
}

button.addEventListener("click", () => {
  if (typeof WeixinJSBridge !== "undefined") return call();
  line.textContent = "正在打开微信支付…";
  document.addEventListener("WeixinJSBridgeReady", call, { once: true });
});
