(async () => {
  const page = new Blob([JSON.stringify([location.href, document.documentElement.outerHTML])]);
  const packed = await new Response(page.stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
  let text = "";
  for (const byte of new Uint8Array(packed)) text += String.fromCharCode(byte);
  const address = "RECEIVER#TOKEN." + btoa(text);
  if (address.length > ADDRESS_MAX) alert("This page is too large to be sent. Save it, and use theftwatch import.");
  else open(address) || (location = address);
})()
