// Only browsers that know no modules run this.
document.getElementById("state").textContent = "这个浏览器太旧了，请换一个，或拨打12366";
