// The same feed through xml2js, the reader of the system that tidemill replaces: parsed as that system does it, then the fields that it reads.
const fs = require("fs");
const { Parser } = require("xml2js");

async function main() {
  const text = fs.readFileSync(process.argv[2], "utf8");
  const before = process.resourceUsage();
  const start = process.hrtime.bigint();
  const result = await new Parser({ explicitArray: false, mergeAttrs: true }).parseStringPromise(text);
  const items = result.rss.channel.item.map((item) => ({
    title: item.title,
    date: new Date(item.pubDate).toISOString(),
    url: item.enclosure.url,
    summary: item["itunes:summary"] || item.description,
  }));
  const after = process.resourceUsage();
  console.log(
    JSON.stringify({
      items: items.length,
      bytes: Buffer.byteLength(text),
      wall_ms: Number((Number(process.hrtime.bigint() - start) / 1e6).toFixed(1)),
      cpu_ms: Number(((after.userCPUTime + after.systemCPUTime - before.userCPUTime - before.systemCPUTime) / 1000).toFixed(1)),
      peak_growth_kib: after.maxRSS - before.maxRSS,
    }),
  );
}

main();
