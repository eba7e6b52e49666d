// A link is followed only to this service or to the payment platform that the server has named.

const allowed = new Set([location.origin, ...(document.body.dataset.links || "").split(" ").filter(Boolean)]);

/** The address as a string, or null when it must not be followed. */
export function safeLink(address) {
  const url = parse(address);
  return url && allowed.has(url.origin) ? url.href : null;
}

function parse(address) {
  if (typeof address !== "string") return null;
  try {
    const url = new URL(address, location.origin);
    return ["https:", "http:"].includes(url.protocol) && !url.username && !url.password ? url : null;
  } catch {
    return null;
  }
}
