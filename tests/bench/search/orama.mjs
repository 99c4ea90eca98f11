// The peer's side of the search benchmark: @orama/orama over the same passages and the same mix of questions, with the schema and
// the options of the system that tidemill replaces. Prints one line of JSON a figure, as bench_search does.
//
//   node orama.mjs all DATA SAVED N    build, add one episode, ask N of each class of the mix, save to SAVED
//   node orama.mjs first SAVED QUERY   load and answer once: for a process of its own
//
// What it cannot do is asked as near as it comes: a phrase as its words, since it looks for no phrases.
import { createReadStream, writeFileSync, readFileSync, statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { serialize, deserialize } from 'node:v8'
import { create, insertMultiple, search, save, load } from '@orama/orama'

const SCHEMA = {
  id: 'string',
  text: 'string',
  sequentialEpisodeIdAsString: 'string',
  startTimeMs: 'number',
  endTimeMs: 'number',
  episodePublishedUnixTimestamp: 'number'
}
const PAGE = 25

const seconds = () => Number(process.hrtime.bigint()) / 1e9
const cpuSeconds = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6 }
const peakMib = () => Math.round(process.resourceUsage().maxRSS / 102.4) / 10
const print = (figure, values) => console.log(JSON.stringify({ figure, ...values }))

async function passagesRead (folder) {
  const documents = []
  let episode = 0
  let published = 0
  let bytes = 0
  for await (const line of createInterface({ input: createReadStream(`${folder}/passages.tsv`) })) {
    const [kind, a, b, text] = line.split('\t')
    if (kind === 'E') {
      episode = a
      published = Number(b)
      continue
    }
    bytes += Buffer.byteLength(text)
    documents.push({
      id: `${episode}_${a}`,
      text,
      sequentialEpisodeIdAsString: episode,
      startTimeMs: Number(a),
      endTimeMs: Number(b),
      episodePublishedUnixTimestamp: published
    })
  }
  return { documents, bytes }
}

function options (kind, text) {
  const common = { limit: PAGE, offset: 0, properties: ['text'] }
  if (kind === 'prefix') return { ...common, term: text.slice(0, -1), threshold: 0 }
  if (kind === 'typo') return { ...common, term: text, tolerance: 1 }
  return { ...common, term: text.replaceAll('"', ''), exact: true, threshold: 0 }
}

function quantile (sorted, q) {
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] * 1000) / 1000
}

function hasWord (hits, target) {
  const word = new RegExp(`(^|[^a-z0-9'])${target}($|[^a-z0-9'])`, 'i')
  return hits.some(hit => word.test(hit.document.text))
}

// The questions by class, of each every k-th, so that about `most` are left.
function questionsRead (folder, most) {
  const classes = new Map()
  for (const line of readFileSync(`${folder}/queries.tsv`, 'utf8').trim().split('\n')) {
    const [kind, text, target] = line.split('\t')
    if (!classes.has(kind)) classes.set(kind, [])
    classes.get(kind).push({ text, target })
  }
  for (const [kind, list] of classes) {
    const step = Math.max(1, Math.floor(list.length / most))
    classes.set(kind, list.filter((_, i) => i % step === 0).slice(0, most))
  }
  return classes
}

function timesPrint (kind, times, cpu, more) {
  times.sort((a, b) => a - b)
  cpu.sort((a, b) => a - b)
  print('queries', {
    class: kind,
    count: times.length,
    p50_ms: quantile(times, 0.5),
    p99_ms: quantile(times, 0.99),
    max_ms: quantile(times, 1),
    cpu_p50_ms: quantile(cpu, 0.5),
    cpu_p99_ms: quantile(cpu, 0.99),
    ...more
  })
}

async function questionsAsk (db, folder, most) {
  const allTimes = []
  const allCpu = []
  for (const [kind, questions] of questionsRead(folder, most)) {
    const times = []
    const cpu = []
    let found = 0
    for (const { text, target } of questions) {
      const cpuStart = cpuSeconds()
      const start = seconds()
      const answer = await search(db, options(kind, text))
      times.push((seconds() - start) * 1e3)
      cpu.push((cpuSeconds() - cpuStart) * 1e3)
      if (target && hasWord(answer.hits, target)) found++
    }
    allTimes.push(...times)
    allCpu.push(...cpu)
    timesPrint(kind, times, cpu, questions[0].target ? { found: found / questions.length } : {})
  }
  timesPrint('all', allTimes, allCpu, {})
}

async function all (folder, saved, most) {
  const { documents, bytes } = await passagesRead(folder)
  const before = process.memoryUsage().rss / 1048576
  const db = create({ schema: SCHEMA })
  const cpuStart = cpuSeconds()
  let start = seconds()
  await insertMultiple(db, documents, 1000)
  print('build', {
    passages: documents.length,
    text_bytes: bytes,
    seconds: seconds() - start,
    cpu_seconds: cpuSeconds() - cpuStart,
    peak_mib: peakMib(),
    input_mib: before
  })
  const one = documents.slice(3000, 3335).map(document => ({ ...document, id: `x${document.id}` }))
  start = seconds()
  await insertMultiple(db, one, 1000)
  print('add', { passages: one.length, seconds: seconds() - start, note: 'in memory; the whole index must then be saved' })
  await questionsAsk(db, folder, most)
  print('queries_memory', { peak_mib: peakMib() })
  try {
    start = seconds()
    writeFileSync(saved, serialize(save(db)))
    print('save', { seconds: seconds() - start, disk_bytes: statSync(saved).size, peak_mib: peakMib() })
  } catch (error) {
    print('save', { error: String(error) })
  }
}

async function first (saved, text) {
  const start = seconds()
  const db = create({ schema: SCHEMA })
  load(db, deserialize(readFileSync(saved)))
  const answer = await search(db, options('word', text))
  print('first', { query: text, ms: (seconds() - start) * 1e3, total: answer.count, peak_mib: peakMib() })
}

const [mode, a, b, most] = process.argv.slice(2)
if (mode === 'all' && most) await all(a, b, Number(most))
else if (mode === 'first' && b) await first(a, b)
else {
  console.error('usage: orama.mjs all DATA SAVED N | first SAVED QUERY')
  process.exit(2)
}
