// The benchmark's part past one machine: what a read of DynamoDB costs of our own CPU, whether connections are kept,
// and whether threads that wait keep up with a store that is far away (slow_table.c).
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { startDynamoDb } from '../stack/dynamodb_server.mjs'

const TICK_US = 10000           // of /proc/PID/stat: USER_HZ is 100

export const POST = { title: 'A post of four kilobytes', slug: 'far-away', body: 'a request takes its way '.repeat(140).trim() }

const SECRET_KEY = randomBytes(32).toString('base64')
const AWS = { SECRET_KEY, AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'AKIDBENCH', AWS_SECRET_ACCESS_KEY: 'a-secret-of-the-bench', STORE: 'dynamodb:quiver' }

// Answers of the tests' DynamoDB on their way to a handler: the last that has the post.
async function startRecorder (db) {
  const recorder = {}
  recorder.server = http.createServer((req, res) => {
    const to = http.request(db.endpoint, { method: req.method, path: req.url, headers: req.headers }, reply => {
      const parts = []
      reply.on('data', part => parts.push(part))
      reply.on('end', () => {
        const body = Buffer.concat(parts)
        if (/\.GetItem$/.test(req.headers['x-amz-target']) && body.includes('blog#slug')) recorder.item = body
        res.writeHead(reply.statusCode, reply.headers).end(body)
      })
    })
    req.pipe(to)
  })
  await new Promise(resolve => recorder.server.listen(0, '127.0.0.1', resolve))
  recorder.url = `http://127.0.0.1:${recorder.server.address().port}`
  return recorder
}

function run (command, args, env) {
  const child = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', text => { said += text })
  return new Promise((resolve, reject) => child.once('exit', code => code === 0 ? resolve() : reject(new Error(`${command} ${args}: ${said}`))))
}

// The post as a table has it: the store of one machine, moved, and read once.
async function recordItem (bench, local) {
  const db = await startDynamoDb(), recorder = await startRecorder(db)
  const content = join(bench.build, 'bin/content'), file = join(bench.root, 'store.ndjson')
  const env = { SECRET_KEY, ...db.env, DYNAMODB_ENDPOINT: recorder.url, STORE: 'dynamodb:quiver' }
  const there = { ...bench.settings(join(bench.root, 'moved')), ...env }
  mkdirSync(there.STATE_DIR)
  await run(content, ['--export-store', file], { ...bench.settings(local.state), SECRET_KEY })
  await run(content, ['--create-table'], there)
  await run(content, ['--import-store', file], there)
  const stack = await bench.startContent('recorded', env)
  const reply = await fetch(`${stack.url}/v1/blog/${POST.slug}`)
  if (reply.status !== 200 || recorder.item === undefined) throw new Error(`no post to answer with: ${await reply.text()}`)
  writeFileSync(join(bench.root, 'item.json'), recorder.item)
  await bench.stop(stack.child)
  recorder.server.closeAllConnections()
  recorder.server.close()
  db.stop()
}

function startTable ({ build, root, children }, delayMs) {
  const child = spawn(join(build, 'tests/slow_table'), [join(root, 'item.json'), String(delayMs)], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  return new Promise((resolve, reject) => {
    child.once('exit', code => reject(new Error(`slow_table ends with ${code}`)))
    child.stdout.once('data', text => resolve({ child, url: `http://127.0.0.1:${String(text).trim()}` }))
  })
}

const cpuUs = pid => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { user: Number(fields[11]) * TICK_US, system: Number(fields[12]) * TICK_US }
}

// CPU of the content process for each request that was answered.
function costOf (bench, stack) {
  const before = cpuUs(stack.content)
  const m = bench.wrk(`${stack.url}/v1/blog/${POST.slug}`)
  const after = cpuUs(stack.content)
  if (m.bad || m.errors) throw new Error(`${m.bad} bad, ${m.errors}`)
  const n = m.rate * bench.seconds
  return { user: (after.user - before.user) / n, system: (after.system - before.system) / n, rate: m.rate }
}

async function connections (stack) {
  // A kept connection may have been closed while wrk was at work.
  const once = () => fetch(`${stack.url}/metrics`)
  const text = await (await once().catch(once)).text()
  const count = outcome => text.split('\n').filter(l => l.startsWith('quiver_aws_connections_total') && l.includes(`outcome="${outcome}"`))
    .reduce((sum, l) => sum + Number(l.split(' ').pop()), 0)
  return { made: count('new'), kept: count('reused') }
}

async function oneRead (bench, local) {
  const table = await startTable(bench, 0)
  const far = await bench.startContent('far', { ...AWS, DYNAMODB_ENDPOINT: table.url })
  const near = [], away = []
  const before = await connections(far)
  for (let i = 0; i < bench.turns; i++) { near.push(costOf(bench, local)); away.push(costOf(bench, far)) }
  const after = await connections(far)
  const more = key => bench.median(away.map((a, i) => a[key] - near[i][key]))
  const all = bench.median(away.map((a, i) => a.user + a.system - near[i].user - near[i].system))
  bench.row('dynamodb read', '<= 60 us of our own CPU more', `${more('user').toFixed(0)} us`, more('user') <= 60,
    `and ${more('system').toFixed(0)} us of the kernel's, ${all.toFixed(0)} us together; one read a request, ${bench.median(away.map(a => a.rate)).toFixed(0)}/s`)
  const kept = after.kept - before.kept, made = after.made - before.made
  const share = kept / (kept + made)
  bench.row('dynamodb keep-alive', '>= 99 % of calls', `${(100 * share).toFixed(2)} %`, share >= 0.99, `${kept + made} calls, ${made} new connections`)
  await bench.stop(far.child)
  table.child.stdin.end()
}

// Clients ÷ latency is what threads that only wait would give; two cores are the other bound.
async function farAway (bench, clients, delayMs, threads) {
  const table = await startTable(bench, delayMs)
  const stack = await bench.startContent(`far-${clients}-${delayMs}`, { ...AWS, DYNAMODB_ENDPOINT: table.url, THREADS: String(threads) })
  const url = `${stack.url}/v1/blog/${POST.slug}`
  bench.wrk(url, { c: clients, s: 2 })
  const m = bench.wrk(url, { c: clients })
  const ideal = clients * 1000 / delayMs
  bench.row(`dynamodb ${clients} clients, ${delayMs} ms`, '>= 0.9 of clients / latency', (m.rate / ideal).toFixed(2), m.rate >= 0.9 * ideal,
    `${m.rate.toFixed(0)}/s of ${ideal}/s with THREADS=${threads}, p99 ${m.p99.toFixed(0)} ms ${m.bad ? `${m.bad} bad` : ''} ${m.errors}`)
  await bench.stop(stack.child)
  table.child.stdin.end()
}

// `bench`: what bench.mjs has of its own, and startContent(name, env, withOwner) and publish(url, post).
export async function distributed (bench) {
  bench.children = []
  try {
    const local = await bench.startContent('near', { SECRET_KEY }, true)
    await bench.publish(local.url, POST)
    await recordItem(bench, local)
    await oneRead(bench, local)
    await bench.stop(local.child)
    await farAway(bench, 50, 20, 64)
    await farAway(bench, 500, 200, 512)
    await farAway(bench, 500, 20, 512)
  } finally {
    for (const child of bench.children) child.stdin.end()
  }
}
