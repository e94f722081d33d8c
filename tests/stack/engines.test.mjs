// The same requests give the same replies, whatever keeps the items: an installation on SQLite and one on DynamoDB get
// some thousand requests, drawn from a seed, and answer byte for byte the same once what they make themselves (ids,
// times, cursors, ETags) is given the same names: each by the order in which it was first seen, so that what was
// the same in one installation must be the same in the other.
// REQUESTS: how many, 1500 by default.  SEED: of the draw.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, before, test } from 'node:test'
import { runHandler, startStack, startStore } from './harness.mjs'

const REQUESTS = Number(process.env.REQUESTS ?? 1500)
const SEED = Number(process.env.SEED ?? randomInt(2 ** 31))
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

// Mulberry32: the same choices for the same seed.
function randomOf (seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

// --- an installation, and what it calls things ------------------------------------------------------------------------

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
// Made here: all times that requests name are of other years.
const NOW = new RegExp(`${new Date().getUTCFullYear()}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z`, 'g')
const CURSOR = /(?<="next_cursor":"|[?&]cursor=)[A-Za-z0-9_~.-]+/g
// Of this reply alone, or of the limits that time fills again.
const LEFT_OUT = /^(date|x-request-id|traceparent|ratelimit.*|x-ratelimit.*|content-length|connection|keep-alive)$/

class Side {
  constructor (name, stack, token) {
    Object.assign(this, { name, stack, token, names: new Map(), items: [], cursors: [] })
  }

  named (kind, value) {
    const key = `${kind} ${value}`
    if (!this.names.has(key)) this.names.set(key, `<${kind} ${this.names.size}>`)
    return this.names.get(key)
  }

  plain (text) {
    return text.replace(UUID, id => this.named('id', id)).replace(CURSOR, '<cursor>').replace(NOW, '<time>')
      .replace(/"trace_id":"[0-9a-f]*"/g, '"trace_id":"<trace>"')
  }

  headers (reply) {
    const kept = {}
    for (const [name, value] of Object.entries(reply.headers).sort()) {
      if (LEFT_OUT.test(name)) continue
      kept[name] = name === 'etag' ? this.named('etag', value) : name === 'last-modified' ? '<time>' : this.plain(String(value))
    }
    return kept
  }

  async send (request) {
    const { method, target, headers, body } = request(this)
    const reply = await this.stack.request(target, { method, headers, body })
    return { reply, target, shown: { request: `${method} ${this.plain(target)}`, status: reply.status, headers: this.headers(reply), body: this.plain(reply.text) } }
  }
}

// --- requests -----------------------------------------------------------------------------------------------------------

const COLLECTIONS = {
  blog: { title: 'title', group: 'category', labels: 'tags', facets: 'categories', texts: ['excerpt', 'body', 'author'] },
  projects: { title: 'name', labels: 'technologies', facets: 'technologies', texts: ['summary', 'body'] },
  certifications: { title: 'name', group: 'type', facets: 'types', texts: ['issuer', 'credential_id'] }
}
const WORDS = ['river', 'stone', 'Über', 'naïve', 'C', 'quiver', 'arrow', 'bow', 'the', 'café', '日本', 'data', 'index', 'x1', 'o\'clock', 'don"t', 'π']
const TIMES = ['2020-02-29T12:00:00Z', '2019-12-31T23:59:59.999Z', '2021-06-01T10:00:00+02:00', '2099-01-01T00:00:00Z']

class Draw {
  constructor (seed) { Object.assign(this, { random: randomOf(seed), serial: 0, count: 0 }) }

  chance (p) { return this.random() < p }
  pick (list) { return list[Math.floor(this.random() * list.length)] }
  upTo (n) { return Math.floor(this.random() * (n + 1)) }
  words (n) { return Array.from({ length: 1 + this.upTo(n - 1) }, () => this.pick(WORDS)).join(' ') }
  collection () { return this.pick(Object.keys(COLLECTIONS)) }

  fields (collection) {
    const { title, group, labels, texts } = COLLECTIONS[collection]
    const o = { [title]: this.chance(0.15) ? this.words(2) : `${this.words(3)} ${++this.serial}` }
    if (group && this.chance(0.7)) o[group] = this.pick(['red', 'Green', 'blau & weiß', 'x'])
    if (labels && this.chance(0.7)) o[labels] = ['a', 'b', 'C++', 'd', 'a'].filter(() => this.chance(0.4))
    for (const name of texts) if (this.chance(0.5)) o[name] = this.chance(0.1) ? null : this.words(name === 'body' ? 40 : 6)
    if (o.body === null) delete o.body
    if (this.chance(0.15)) o.slug = this.chance(0.3) ? 'same-slug' : `slug-${++this.serial}`
    if (collection === 'projects' && this.chance(0.3)) Object.assign(o, { started_on: '2020-01-02', ended_on: this.pick(['2020-01-03', '2019-01-01', null]) })
    return o
  }

  // What no schema takes.
  spoilt (collection) {
    const { title } = COLLECTIONS[collection]
    return this.pick([{}, { [title]: '' }, { [title]: 7 }, { [title]: 'x'.repeat(201) }, { [title]: 'a', unknown: 1 }, { [title]: 'a', slug: 'Not A Slug' },
      { [title]: 'a', id: 'x' }, [], '{"', '', '{"a":1,"a":2}', 'null', { [title]: 'a\u0000b' }, { [title]: ['a'] }])
  }
}

const as = (side, more) => ({ authorization: `Bearer ${side.token}`, ...more })
const about = (side, n) => side.items[n % Math.max(1, side.items.length)] ?? { collection: 'blog', id: '00000000-0000-7000-8000-000000000000', slug: 'none', etag: '"0"' }

// Each draws what it needs and gives a request for either side.
const KINDS = {
  create: [16, d => {
    const collection = d.collection(), body = d.fields(collection), key = d.chance(0.2) ? `key-${d.upTo(20)}` : undefined
    return side => ({ method: 'POST', target: `/v1/${collection}`, headers: as(side, key && { 'idempotency-key': key }), body })
  }],
  spoilt: [5, d => {
    const collection = d.collection(), body = d.spoilt(collection), n = d.upTo(1000), method = d.pick(['POST', 'PUT', 'PATCH'])
    return side => ({ method, target: method === 'POST' ? `/v1/${collection}` : `/v1/${about(side, n).collection}/${about(side, n).id}`, headers: as(side), body })
  }],
  read: [14, d => {
    const n = d.upTo(1000), by = d.pick(['id', 'slug']), open = d.chance(0.4), html = d.chance(0.3) ? '?format=html' : '', match = d.chance(0.2), method = d.pick(['GET', 'GET', 'HEAD'])
    return side => {
      const item = about(side, n)
      return { method, target: `/v1/${item.collection}/${item[by]}${html}`, headers: { ...(!open && as(side)), ...(match && { 'if-none-match': item.etag }) } }
    }
  }],
  absent: [3, d => {
    const collection = d.collection(), name = d.pick(['00000000-0000-7000-8000-000000000000', 'no-such-slug', 'UPPER', '%00', 'a%2Fb', 'x'.repeat(300)]), method = d.pick(['GET', 'DELETE', 'PATCH'])
    return side => ({ method, target: `/v1/${collection}/${name}`, headers: as(side, { 'content-type': 'application/json' }), body: method === 'PATCH' ? { body: 'x' } : undefined })
  }],
  list: [14, d => {
    const collection = d.collection(), { group } = COLLECTIONS[collection], open = d.chance(0.5), q = []
    if (!open) q.push(`status=${d.pick(['draft', 'published', 'scheduled', 'all'])}`)
    if (d.chance(0.3)) q.push(`limit=${d.pick([1, 2, 3, 100])}`)
    if (d.chance(0.25)) q.push(`${group ?? 'tag'}=${encodeURIComponent(d.pick(['red', 'Green', 'blau & weiß', 'a', 'C++', 'none']))}`)
    return side => ({ method: 'GET', target: `/v1/${collection}?${q.join('&')}`, headers: open ? {} : as(side) })
  }],
  search: [8, d => {
    const collection = d.collection(), open = d.chance(0.5)
    const words = d.pick([d.pick(WORDS), d.words(2), d.pick(['riv', 'qui', 'sto', '"', '*', 'river*', 'NOT river', 'a OR b', '-', 'col:x', '日'])])
    return side => ({ method: 'GET', target: `/v1/${collection}?q=${encodeURIComponent(words)}${open ? '' : '&status=all'}&limit=5`, headers: open ? {} : as(side) })
  }],
  page: [6, d => {
    const n = d.upTo(1000)
    return side => ({ method: 'GET', target: side.cursors[n % Math.max(1, side.cursors.length)] ?? '/v1/blog?limit=1', headers: as(side) })
  }],
  badQuery: [3, d => {
    const target = d.pick(['/v1/blog?limit=0', '/v1/blog?limit=101', '/v1/blog?cursor=nonsense', '/v1/blog?unknown=1', '/v1/blog?status=all&status=draft', '/v1/projects?category=x', '/v1/blog?q='])
    return side => ({ method: 'GET', target, headers: as(side) })
  }],
  change: [12, d => {
    const n = d.upTo(1000), match = d.pick([undefined, undefined, 'good', 'stale', '*']), put = d.chance(0.4), drawn = Object.fromEntries(Object.keys(COLLECTIONS).map(c => [c, d.fields(c)]))
    return side => {
      const item = about(side, n)
      const condition = match && { 'if-match': match === 'good' ? item.etag : match === 'stale' ? '"0"' : '*' }
      return { method: put ? 'PUT' : 'PATCH', target: `/v1/${item.collection}/${item.id}`, headers: as(side, condition), body: drawn[item.collection] }
    }
  }],
  publish: [12, d => {
    const n = d.upTo(1000), when = d.chance(0.3) ? { publish_at: d.pick(TIMES) } : {}, back = d.chance(0.25)
    return side => ({ method: 'POST', target: `/v1/${about(side, n).collection}/${about(side, n).id}/${back ? 'unpublish' : 'publish'}`, headers: as(side), body: back ? {} : when })
  }],
  revisions: [6, d => {
    const n = d.upTo(1000), tail = d.pick(['', '?limit=1', '/1', '/2', '/0', '/99', '/1/restore', '/x'])
    return side => ({ method: tail.endsWith('restore') ? 'POST' : 'GET', target: `/v1/${about(side, n).collection}/${about(side, n).id}/revisions${tail}`, headers: as(side), body: tail.endsWith('restore') ? {} : undefined })
  }],
  remove: [3, d => {
    const n = d.upTo(1000), stale = d.chance(0.3)
    return side => ({ method: 'DELETE', target: `/v1/${about(side, n).collection}/${about(side, n).id}`, headers: as(side, stale && { 'if-match': '"0"' }) })
  }],
  facets: [5, d => {
    const collection = d.collection(), limit = d.pick(['', '?limit=1', '?limit=100'])
    return () => ({ method: 'GET', target: `/v1/${collection}/${COLLECTIONS[collection].facets}${limit}`, headers: {} })
  }],
  whole: [3, d => {
    const target = d.pick(['/feed.xml', '/feed.json', '/sitemap.xml', '/v1/content/export', '/v1/content/export?collection=projects'])
    return side => ({ method: 'GET', target, headers: as(side) })
  }],
  strangers: [3, d => {
    const [method, target, body] = d.pick([['POST', '/v1/blog', { title: 'x' }], ['GET', '/v1/blog?status=all'], ['DELETE', '/v1/blog/x'], ['PATCH', '/v1/blog', {}], ['GET', '/v1/nothing'],
      ['GET', '/v1/content/export'], ['POST', '/v1/auth/login', { email: 'owner@example.com', password: 'not this one' }], ['POST', '/v1/auth/login', { email: 'nobody@example.com', password: 'x' }]])
    return () => ({ method, target, headers: {}, body })
  }],
  me: [1, d => {
    const target = d.pick(['/v1/auth/me', '/v1/auth/sessions', '/v1/developer/keys'])
    return side => ({ method: 'GET', target, headers: as(side) })
  }]
}
const TOTAL = Object.values(KINDS).reduce((sum, [weight]) => sum + weight, 0)

function draw (d) {
  let left = d.random() * TOTAL
  for (const [kind, [weight, make]] of Object.entries(KINDS)) {
    left -= weight
    if (left < 0) return { kind, request: make(d) }
  }
  throw new Error('the weights do not add up')
}

// What later requests are about.
function remember (side, { reply, target, shown }) {
  const collection = /^(?:POST|PUT|PATCH|GET) \/v1\/(blog|projects|certifications)(?:[/?]|$)/.exec(shown.request)?.[1]
  let json
  try { json = JSON.parse(reply.text) } catch { return }
  if (!collection || reply.status >= 300) return
  if (json.id && json.slug && json.created_at) {
    const item = side.items.find(i => i.id === json.id)
    const now = { collection, id: json.id, slug: json.slug, etag: reply.headers.etag ?? '"0"' }
    if (item) Object.assign(item, now)
    else side.items.push(now)
  }
  if (json.next_cursor) {
    side.cursors.push(`${target.replace(/[?&]cursor=[^&]*/, '')}${target.includes('?') ? '&' : '?'}cursor=${json.next_cursor}`)
    if (side.cursors.length > 20) side.cursors.shift()
  }
}

// --- both ---------------------------------------------------------------------------------------------------------------

const sides = []

before(async () => {
  const secret = { SECRET_KEY: Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 37 + 11) % 256)).toString('base64') }
  const dynamo = { ...startStore(), STORE: 'dynamodb:quiver' }
  const made = runHandler('content', ['--create-table'], dynamo)
  assert.equal(made.code, 0, made.stderr)
  // One public address, as it stands in feeds and links.
  for (const [name, env] of [['SQLite', { STORE: 'sqlite:$STATE_DIR/quiver.db' }], ['DynamoDB', dynamo]]) {
    const stack = await startStack('lighttpd', { env: { PUBLIC_URL: 'https://site.example', ...secret, ...env } })
    sides.push(new Side(name, stack, await stack.signIn()))
  }
})

after(async () => {
  for (const side of sides) await side.stack.stop()
})

test(`SQLite and DynamoDB answer ${REQUESTS} requests alike (SEED=${SEED})`, async t => {
  const d = new Draw(SEED), seen = {}
  for (let n = 1; n <= REQUESTS; n++) {
    const { kind, request } = draw(d)
    const got = []
    for (const side of sides) {
      const one = await side.send(request)
      remember(side, one)
      got.push(one.shown)
    }
    seen[`${kind} ${got[0].status}`] = (seen[`${kind} ${got[0].status}`] ?? 0) + 1
    assert.deepEqual(got[1], got[0], `request ${n} of SEED=${SEED}: ${kind} ${got[0].request}`)
    // Order is by time, which has milliseconds.
    if (got[0].status < 300 && /^POST/.test(got[0].request)) await sleep(2)
  }
  t.diagnostic(Object.entries(seen).sort().map(([what, n]) => `${what}: ${n}`).join(', '))
  if (REQUESTS >= 1000) for (const kind of Object.keys(KINDS)) assert.ok(Object.keys(seen).some(k => k.startsWith(`${kind} `)), kind)
})
