// The same suite behind every web server: what arrives, what goes out, and that it is the same everywhere.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import http from 'node:http'
import net from 'node:net'
import { after, before, describe, test } from 'node:test'
import { OWNER, SERVERS, startStack, until } from './harness.mjs'

const mine = randomBytes(4).toString('hex')
const THREADS = 4

// Targets as they go over the wire, and what every server must answer to an anonymous GET.
const TARGETS = [
  ['an unknown path', '/nope', 404],
  ['an unknown path under a prefix', '/v1/blogs', 404],
  ['an unknown path of two segments', '/v1/nope/x', 404],
  ['a trailing slash', '/v1/blog/', 404],
  ['an escaped letter', '/v1/%62log?limit=1', 200],
  ['an escaped prefix', '/%76%31/blog?limit=1', 200],
  ['an escaped slash', '/v1%2Fblog', 400],
  ['an escaped slash in a parameter', '/v1/blog/a%2Fb', 400],
  ['an escaped backslash', '/v1/blog/a%5Cb', 400],
  ['an escaped NUL', '/v1/blog/a%00b', 400],
  ['an escaped newline', '/v1/blog/a%0Ab', 400],
  ['a broken escape', '/v1/blog/%zz', 400],
  ['half an escape', '/v1/blog/%4', 400],
  ['invalid UTF-8', '/v1/blog/%c3%28', 400],
  ['UTF-8', '/v1/blog/%c3%a9', 404],
  ['a space', '/v1/blog/a%20b', 404],
  ['a plus', '/v1/blog/a+b', 404],
  ['a semicolon', '/v1/blog;v=1', 404],
  ['two slashes', '//v1//blog?limit=1', 200],
  ['a dot segment', '/v1/./blog?limit=1', 200],
  ['two dots', '/v1/nope/../blog?limit=1', 200],
  ['two dots into another handler', '/v1/blog/../auth/me', 401],
  ['escaped dots', '/v1/nope/%2e%2e/blog?limit=1', 200],
  ['dots out of the root', '/../v1/blog', 400],
  ['dots out of the root, later', '/v1/../../v1/blog', 400],
  ['escaped dots out of the root', '/%2e%2e/v1/blog', 400],
  ['a broken escape in the query', '/v1/blog?q=%zz', 400],
  ['a NUL in the query', '/v1/blog?q=%00', 400],
  ['an unknown query parameter', '/v1/blog?nope=1', 422],
  ['a parameter out of bounds', '/v1/blog?limit=101', 422],
  ['a query of 3,000 bytes', '/v1/blog?q=' + 'a'.repeat(3000), 422],
  ['a path of 3,000 bytes', '/v1/blog/' + 'a'.repeat(3000), 400],
  ['an absolute target', 'BASE/v1/blog?limit=1', 200]
]

// What of a problem has to be the same; instance is the request's id.
function problem (reply) {
  if (!/problem\+json/.test(reply.headers['content-type'] ?? '')) return { type: reply.headers['content-type'] }
  const { instance, ...rest } = reply.json()
  return rest
}

const seen = new Map()
function sameEverywhere (what, kind, value) {
  const text = JSON.stringify(value)
  if (!seen.has(what)) seen.set(what, { kind, text })
  assert.equal(text, seen.get(what).text, `${what}: ${kind} answers other than ${seen.get(what).kind}`)
}

function suite (kind) {
  let stack, token, slug
  before(async () => {
    stack = await startStack(kind, { env: { THREADS: String(THREADS) } })
    token = await stack.signIn()
    const made = await stack.as(token, '/v1/blog', { method: 'POST', body: { title: `Servers ${kind} ${mine}`, body: 'text '.repeat(800) } })
    assert.equal(made.status, 201, made.text)
    slug = made.json().slug
    assert.equal((await stack.as(token, `/v1/blog/${slug}/publish`, { method: 'POST', body: {} })).status, 200)
  })
  after(() => stack?.stop())

  for (const [what, target, status] of TARGETS) {
    test(`target: ${what}`, async () => {
      const reply = await stack.request(target.replace('BASE', stack.url))
      assert.equal(reply.status, status, reply.text)
      if (status >= 400) sameEverywhere(what, kind, problem(reply))
    })
  }

  test('a request that is malformed but for its target is 400, wherever it goes', async () => {
    for (const fields of ['', 'Host: a\r\nHost: b\r\n', 'Host: a b/\\c\r\n']) {
      for (const target of ['/v1/blog?limit=1', '/v1/auth/me', '/nope']) {
        const text = (await stack.raw(`GET ${target} HTTP/1.1\r\n${fields}Connection: close\r\n\r\n`)).toString()
        assert.match(text, /^HTTP\/1\.1 400 /, fields)
        assert.match(text, /content-type: application\/problem\+json\r\n/i)
        assert.match(text, /"type":"\/problems\/malformed"/)
      }
    }
  })

  test('Authorization arrives', async () => {
    assert.equal((await stack.request('/v1/auth/me')).status, 401)
    const me = await stack.as(token, '/v1/auth/me')
    assert.equal(me.status, 200)
    assert.equal(me.json().email, OWNER.email)
  })

  test('a chunked body arrives whole', async () => {
    const line = i => JSON.stringify({ title: `Chunk ${i} ${kind} ${mine}`, slug: `chunk-${i}-${kind}-${mine}`, body: 'x'.repeat(300) }) + '\n'
    const lines = Array.from({ length: 200 }, (_, i) => line(i))
    const reply = await stack.as(token, '/v1/content/import?collection=blog', {
      method: 'POST', chunked: lines, headers: { 'Content-Type': 'application/x-ndjson' }
    })
    assert.equal(reply.status, 200, reply.text)
    assert.equal((await stack.as(token, `/v1/blog/chunk-199-${kind}-${mine}`)).status, 200)
  })

  test('a chunked JSON body arrives', async () => {
    const reply = await stack.as(token, '/v1/blog', {
      method: 'POST', chunked: ['{"title":', `"Chunked ${kind} ${mine}"`, '}'], headers: { 'Content-Type': 'application/json' }
    })
    assert.equal(reply.status, 201, reply.text)
  })

  test('a body of 1 MB arrives whole', async () => {
    const item = i => ({ title: `Part ${i} ${kind} ${mine}`, slug: `part-${i}-${kind}-${mine}`, body: 'word '.repeat(25000) + i })
    const items = Array.from({ length: 8 }, (_, i) => item(i))
    const body = items.map(i => JSON.stringify(i)).join('\n')
    assert.ok(body.length > 1000000)
    const reply = await stack.as(token, '/v1/content/import?collection=blog', { method: 'POST', body, headers: { 'Content-Type': 'application/x-ndjson' } })
    assert.equal(reply.status, 200, reply.text)
    for (const { slug, body } of items) assert.equal((await stack.as(token, `/v1/blog/${slug}`)).json().body.trim(), body)
  })

  test('an empty body is no JSON', async () => {
    const reply = await stack.as(token, '/v1/blog', { method: 'POST', body: '' })
    assert.equal(reply.status, 400, reply.text)
    sameEverywhere('an empty body', kind, problem(reply))
  })

  test('a body over the limit is refused with 413', async () => {
    const reply = await stack.request('/v1/auth/login', { method: 'POST', body: { email: 'a@example.com', password: 'x'.repeat(1500000) } })
    assert.equal(reply.status, 413, reply.text)
    sameEverywhere('413', kind, problem(reply))
  })

  test('HEAD has the headers of GET and no body', async () => {
    const get = await stack.request(`/v1/blog/${slug}`)
    const head = await stack.request(`/v1/blog/${slug}`, { method: 'HEAD' })
    assert.equal(head.status, 200)
    assert.equal(head.body.length, 0)
    for (const name of ['etag', 'content-type', 'cache-control', 'last-modified']) assert.equal(head.headers[name], get.headers[name], name)
  })

  test('a matching ETag gets 304 without a body', async () => {
    const get = await stack.request(`/v1/blog/${slug}`)
    const reply = await stack.request(`/v1/blog/${slug}`, { headers: { 'If-None-Match': get.headers.etag } })
    assert.equal(reply.status, 304)
    assert.equal(reply.body.length, 0)
    assert.equal(reply.headers.etag, get.headers.etag)
  })

  test('405 says what is allowed', async () => {
    const reply = await stack.request('/v1/auth/login', { method: 'DELETE' })
    assert.equal(reply.status, 405)
    assert.equal(reply.headers.allow, 'POST, OPTIONS')
    sameEverywhere('405', kind, problem(reply))
  })

  test('OPTIONS is answered without a token', async () => {
    const reply = await stack.request('/v1/blog', { method: 'OPTIONS' })
    assert.ok(reply.status === 204 || reply.status === 200, `${reply.status}`)
    assert.match(reply.headers.allow, /GET.*POST/)
  })

  test('a status and headers of ours go out as they are', async () => {
    const reply = await stack.request('/v1/auth/me')
    assert.equal(reply.status, 401)
    assert.match(reply.headers['www-authenticate'], /^Bearer/)
    assert.equal(reply.headers['x-content-type-options'], 'nosniff')
    assert.match(reply.headers['x-request-id'], /^[0-9a-f-]{36}$/)
    assert.equal(reply.headers['cache-control'], 'no-store')
  })

  test('a Proxy header changes nothing', async () => {
    const reply = await stack.request('/v1/blog?limit=1', { headers: { Proxy: 'http://127.0.0.1:1' } })
    assert.equal(reply.status, 200)
  })

  test('an upload broken off stores nothing and harms nobody', async () => {
    const { port } = new URL(stack.url)
    const gone = `gone-${kind}-${mine}`
    const body = JSON.stringify({ title: gone, slug: gone, body: 'x' }) + '\n'
    await new Promise((resolve, reject) => {
      const socket = net.connect(Number(port), '127.0.0.1', () => {
        socket.write(`POST /v1/content/import?collection=blog HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n` +
          `Content-Type: application/x-ndjson\r\nContent-Length: 500000\r\n\r\n${body}`)
        setTimeout(() => { socket.destroy(); resolve() }, 150)
      })
      socket.once('error', reject)
    })
    assert.equal((await stack.request('/v1/blog?limit=1')).status, 200)
    assert.equal((await stack.as(token, `/v1/blog/${gone}`)).status, 404)
  })

  test('a client that leaves before the reply harms nobody', async () => {
    const { port } = new URL(stack.url)
    for (let i = 0; i < 20; i++) {
      await new Promise(resolve => {
        const socket = net.connect(Number(port), '127.0.0.1', () => {
          socket.write('GET /v1/blog?limit=100 HTTP/1.1\r\nHost: localhost\r\n\r\n')
          setImmediate(() => { socket.destroy(); resolve() })
        })
        socket.once('error', resolve)
      })
    }
    for (let i = 0; i < 10; i++) assert.equal((await stack.request('/v1/blog?limit=1')).status, 200)
  })

  test(`12 requests at once over kept connections, on ${THREADS} threads`, async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 12 })
    try {
      for (let round = 0; round < 5; round++) {
        const began = Date.now()
        const replies = await Promise.all(Array.from({ length: 12 }, () => stack.request(`/v1/blog/${slug}`, { agent })))
        for (const r of replies) assert.equal(r.status, 200)
        assert.ok(Date.now() - began < 10000, 'none waits for a connection that is idle')
      }
      // Each takes tens of milliseconds of work, so that all threads are busy at once.
      const began = Date.now()
      const slow = await Promise.all(Array.from({ length: 12 }, () => stack.request('/v1/auth/login', { method: 'POST', body: OWNER, agent })))
      for (const r of slow) assert.equal(r.status, 200)
      assert.ok(Date.now() - began < 20000, 'none waits for a connection that is idle')
    } finally { agent.destroy() }
  })

  test('200 requests, one after the other, over one kept connection', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    try {
      for (let i = 0; i < 200; i++) {
        const target = i % 3 === 2 ? '/nope' : i % 3 === 1 ? '/v1/auth/me' : `/v1/blog/${slug}`
        const reply = await stack.request(target, { agent })
        assert.equal(reply.status, [200, 401, 404][i % 3], `request ${i}: ${reply.text}`)
      }
    } finally { agent.destroy() }
  })

  test('bodies nobody reads do not break the connections behind', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 2 })
    try {
      for (let i = 0; i < 30; i++) {
        const refused = await stack.request('/nope', { method: 'POST', body: 'x'.repeat(100000), agent })
        assert.equal(refused.status, 404, `request ${i}`)
        assert.equal((await stack.request(`/v1/blog/${slug}`, { agent })).status, 200, `request ${i}`)
      }
    } finally { agent.destroy() }
  })

  test('the log has the requests, a JSON object a line', { skip: Boolean(process.env.QUIVER_URL) }, async () => {
    const id = `server-${randomBytes(4).toString('hex')}`
    await stack.request(`/v1/blog/${slug}`, { headers: { 'X-Request-ID': id } })
    if (kind === 'apache-fcgid') return      // its handlers' standard error is Apache's error log
    await until('the line', () => stack.logLines().some(line => line.request_id === id))
  })
}

for (const kind of SERVERS) describe(kind, () => suite(kind))
