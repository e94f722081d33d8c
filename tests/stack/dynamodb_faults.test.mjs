// A store over the network that is slow, throttles, hangs up, answers garbage, refuses our keys, or is gone; and comes back.
//
// Editors work all along, through lighttpd, on DynamoDB behind a proxy that spoils things.  Each fault in turn:
// - nobody waits past the deadline, and no process ends;
// - who is not served is told so: 503 with Retry-After, and nothing else;
// - a log line and a metric name the cause;
// - afterwards everything works again, with nothing restarted.
// In the end what was acknowledged is there as it was, a request that nobody answered was done once or not at all,
// and what is counted is what there is.
// FAULT_S: seconds of each fault, 4 by default (30 is what a throttled table may take).
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import http from 'node:http'
import { after, before, describe, test } from 'node:test'
import { Client, signIn } from './client.mjs'
import { startFaultProxy } from './fault_proxy.mjs'
import { runHandler, startStack, startStore, until } from './harness.mjs'

const FAULT_MS = Number(process.env.FAULT_S ?? 4) * 1000
const EDITORS = 6, CATEGORIES = ['red', 'green', 'blue']
// All of what a request waits for the store is within 5 s (REQUEST_STORE_MS).
const PATIENCE_MS = 6000
const LEASE_MS = 35000          // of an Idempotency-Key whose request nobody finished

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

let owner, proxy, stack, client, token
const editors = []

class Editor {
  constructor (n) { Object.assign(this, { n, serial: 0, posts: [], unsure: [], answered: 0, refused: 0, slowest: 0, wrong: [] }) }

  // A reply that means what it says, or undefined.
  async ask (method, path, options) {
    const began = Date.now()
    try {
      const reply = await client.request(method, path, { token, within: 60000, ...options })
      if (reply.status < 500) { this.answered++; return reply }
      this.refused++
      if (reply.status !== 503 || !/^\d+$/.test(reply.headers['retry-after'] ?? '')) {
        this.wrong.push(`${method} ${path}: ${reply.status} ${reply.text}`)
      }
    } catch (e) {
      this.wrong.push(`${method} ${path}: ${e.message}`)
    } finally {
      this.slowest = Math.max(this.slowest, Date.now() - began)
    }
    return undefined
  }

  expect (reply, status, what) {
    if (reply.status !== status) this.wrong.push(`${what}: ${reply.status} ${reply.text}`)
    return reply.status === status
  }

  async create (post) {
    const reply = await this.ask('POST', '/v1/blog', { json: post.fields, headers: { 'idempotency-key': post.key } })
    // 409: the request of before, which nobody answered, still has the key.
    if (!reply || reply.status === 409 || !this.expect(reply, 201, 'create')) return false
    post.state = reply.json
    this.posts.push(post)
    return true
  }

  async publish (post) {
    post.wanted = 'published'
    const reply = await this.ask('POST', `/v1/blog/${post.state.id}/publish`, { json: {} })
    if (!reply || !this.expect(reply, 200, 'publish')) return
    post.state = reply.json
    post.wanted = undefined
  }

  async read (post) {
    const reply = await this.ask('GET', `/v1/blog/${post.state.id}`)
    if (!reply || !this.expect(reply, 200, 'read') || post.wanted) return
    assert.deepEqual(reply.json, post.state)
  }

  async work (until) {
    while (Date.now() < until) {
      const fields = { title: `editor ${this.n} post ${++this.serial}`, category: CATEGORIES[this.serial % 3], body: 'words '.repeat(50) }
      const post = { key: randomUUID(), fields }
      if (await this.create(post)) {
        await this.publish(post)
        await this.read(post)
      } else {
        this.unsure.push(post)
      }
      if (this.refused > 0) await sleep(100)
    }
  }
}

before(async () => {
  const store = startStore()
  owner = { id: store.AWS_ACCESS_KEY_ID, secret: store.AWS_SECRET_ACCESS_KEY }
  proxy = await startFaultProxy(store.DYNAMODB_ENDPOINT)
  await proxy.give({ ...owner, session: 'session-1' })
  const env = {
    ...store, STORE: 'dynamodb:quiver', DYNAMODB_ENDPOINT: proxy.url, AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '',
    AWS_CONTAINER_CREDENTIALS_FULL_URI: proxy.keys
  }
  const made = runHandler('content', ['--create-table'], env)
  assert.equal(made.code, 0, made.stderr)
  stack = await startStack('lighttpd', { env })
  client = new Client(stack.url)
  // A connection for each request: of those that wait, some would be closed just when they are used.
  client.agent = new http.Agent()
  token = (await signIn(client)).access_token
  for (let n = 0; n < EDITORS; n++) editors.push(new Editor(n))
})

after(async () => {
  client?.close()
  await stack?.stop()
  proxy?.stop()
})

async function metric (name, labels) {
  const text = (await client.get('/metrics')).text
  return text.split('\n').filter(line => line.startsWith(name) && labels.every(l => line.includes(l)))
    .reduce((sum, line) => sum + Number(line.split(' ').pop()), 0)
}

async function works () {
  const reply = await client.get('/ready', { within: PATIENCE_MS })
  if (reply.status !== 200) return false
  const made = await client.post('/v1/blog', { title: `alive ${randomUUID()}` }, { token, within: PATIENCE_MS })
  return made.status === 201 && (await client.delete(`/v1/blog/${made.json.id}`, { token })).status === 204
}

// Everybody at work while it is bad; what they met.
async function during (spoil, mend) {
  for (const e of editors) Object.assign(e, { answered: 0, refused: 0, slowest: 0 })
  const logged = stack.logLines().length
  await spoil()
  const end = Date.now() + FAULT_MS
  const work = Promise.all(editors.map(e => e.work(end)))
  await sleep(FAULT_MS / 2)
  const ready = await client.get('/ready', { within: 30000 })
  await work
  await mend()
  const began = Date.now()
  await until('it works again', works, 30000)
  const sum = name => editors.reduce((n, e) => n + e[name], 0)
  return {
    ready, answered: sum('answered'), refused: sum('refused'), slowest: Math.max(...editors.map(e => e.slowest)),
    recoveredMs: Date.now() - began, lines: stack.logLines().slice(logged).filter(l => l.event === 'aws_call_failed')
  }
}

const FAULTS = {
  'slow by 150 ms': { fault: { delayMs: 150 }, ready: 200, served: 'all' },
  'so slow that it is no use': { fault: { delayMs: 20000 }, ready: 503, served: 'none', cause: 'timeout', outcome: 'timeout' },
  'throttling every third call': {
    fault: { share: 1 / 3, answer: { status: 400, type: 'ProvisionedThroughputExceededException' } }, ready: 200, served: 'most', cause: 'throttled'
  },
  throttling: { fault: { answer: { status: 400, type: 'ThrottlingException' } }, ready: 503, served: 'none', cause: 'throttled', outcome: 'throttled' },
  'answering 500 to every fourth call': {
    fault: { share: 1 / 4, answer: { status: 500, type: 'InternalServerError' } }, ready: 200, served: 'most', cause: 'server'
  },
  'hanging up in the middle of every fifth reply': { fault: { share: 1 / 5, cut: true }, ready: 200, served: 'most', cause: 'connection' },
  'hanging up in the middle of every reply': { fault: { cut: true }, ready: 503, served: 'none', cause: 'connection', outcome: 'unavailable' },
  'answering garbage': { fault: { garbage: true }, ready: 503, served: 'none', cause: 'garbage', outcome: 'unavailable' },
  'damaging every fifth reply': { fault: { share: 1 / 5, badCrc: true }, ready: 200, served: 'most', cause: 'garbage' },
  'silent to every tenth call': { fault: { share: 1 / 10, hang: true }, served: 'some', cause: 'timeout' },
  'refusing what we may do': { fault: { answer: { status: 400, type: 'AccessDeniedException' } }, ready: 503, served: 'none', outcome: 'forbidden' },
  gone: { dead: true, ready: 503, served: 'none', cause: 'connection', outcome: 'unavailable' }
}

describe('a store that is', () => {
  for (const [name, { fault, dead, ready, served, cause, outcome }] of Object.entries(FAULTS)) {
    test(name, async t => {
      const labels = { cause: [`cause="${cause}"`], outcome: [`outcome="${outcome}"`] }
      const pids = stack.pids()
      const tried = cause && await metric('quiver_aws_retries_total', labels.cause)
      const failed = outcome && await metric('quiver_aws_calls_total', labels.outcome)
      const met = await during(() => dead ? proxy.die() : proxy.set(fault), () => dead ? proxy.rise() : proxy.set(undefined))
      t.diagnostic(`${met.answered} answered, ${met.refused} refused, the slowest took ${met.slowest} ms, back after ${met.recoveredMs} ms`)
      for (const e of editors) assert.deepEqual(e.wrong.splice(0).slice(0, 3), [])
      assert.ok(met.slowest < PATIENCE_MS, `somebody waited for ${met.slowest} ms`)
      assert.deepEqual(stack.pids(), pids, 'no process ended')
      if (ready) assert.equal(met.ready.status, ready, met.ready.text)
      if (served === 'none') assert.ok(met.refused > 0 && met.lines.length > 0)
      if (served === 'all') assert.equal(met.refused, 0)
      if (served === 'most') assert.ok(met.answered > 9 * met.refused, `${met.answered} answered, ${met.refused} refused`)
      if (served === 'some') assert.ok(met.answered > 0)
      if (outcome) {
        assert.ok(met.lines.some(l => l.outcome === outcome && l.reason), JSON.stringify(met.lines[0]))
        assert.ok(await metric('quiver_aws_calls_total', labels.outcome) > failed)
      }
      if (cause) assert.ok(await metric('quiver_aws_retries_total', labels.cause) > tried)
    })
  }

  test('no longer content with our keys until we have others', async t => {
    await sleep(5000)           // keys this young are not replaced
    const before = await proxy.counts()
    await proxy.give({ ...owner, session: 'session-2' })
    const met = await during(() => proxy.set({ session: 'session-1', answer: { status: 400, type: 'ExpiredTokenException' } }), () => {})
    await proxy.set(undefined)
    t.diagnostic(`${met.answered} answered, ${met.refused} refused`)
    for (const e of editors) assert.deepEqual(e.wrong.splice(0).slice(0, 3), [])
    assert.equal(met.refused, 0)
    const now = await proxy.counts()
    assert.ok(now.faults > before.faults && now.gifts > before.gifts)
    assert.equal(met.ready.status, 200)
  })
})

async function listOf (path) {
  const items = []
  for (let cursor = ''; cursor !== null;) {
    const reply = await client.get(`${path}${path.includes('?') ? '&' : '?'}limit=100${cursor && `&cursor=${cursor}`}`, { token })
    assert.equal(reply.status, 200, reply.text)
    items.push(...reply.json.items)
    cursor = reply.json.next_cursor
  }
  return items
}

describe('afterwards', () => {
  test('a request that nobody answered is done once when it comes again', async () => {
    await Promise.all(editors.map(async e => {
      for (const post of e.unsure.splice(0)) {
        await until(`${post.fields.title} is made`, async () => await e.create(post) || e.wrong.length > 0, LEASE_MS)
      }
      assert.deepEqual(e.wrong, [])
    }))
    const titles = (await listOf('/v1/blog?status=all')).map(i => i.title).sort()
    assert.deepEqual(titles, editors.flatMap(e => e.posts.map(p => p.fields.title)).sort())
  })

  test('what was acknowledged is there as it was', async () => {
    await Promise.all(editors.map(async e => {
      for (const post of e.posts) {
        const reply = await client.get(`/v1/blog/${post.state.id}`, { token })
        assert.equal(reply.status, 200, reply.text)
        if (!post.wanted || reply.json.version === post.state.version) assert.deepEqual(reply.json, post.state)
        else assert.deepEqual([reply.json.status, reply.json.version], ['published', post.state.version + 1])
        post.state = reply.json
      }
    }))
  })

  test('what is counted is what there is', async () => {
    const counted = {}
    for (const { state } of editors.flatMap(e => e.posts)) {
      if (state.status === 'published') counted[state.category] = (counted[state.category] ?? 0) + 1
    }
    const told = await listOf('/v1/blog/categories')
    assert.deepEqual(Object.fromEntries(told.map(({ name, count }) => [name, count])), counted)
  })

  test('connections are used again for 99 calls of 100 and more', async () => {
    const before = { new: await metric('quiver_aws_connections_total', ['outcome="new"']), reused: await metric('quiver_aws_connections_total', ['outcome="reused"']) }
    await Promise.all(editors.map(e => e.work(Date.now() + 3000)))
    const made = await metric('quiver_aws_connections_total', ['outcome="new"']) - before.new
    const used = await metric('quiver_aws_connections_total', ['outcome="reused"']) - before.reused
    assert.ok(used > 100 && used >= 99 * made, `${made} new, ${used} used again`)
  })
})
