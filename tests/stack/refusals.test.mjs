// What a web server says by itself, to requests that no handler gets and when a handler is gone: a problem like any
// other, with the headers that the handlers' replies have, and these have them once.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { SERVERS, TOP, cgi, startHandler, startStack, until } from './harness.mjs'

const SECURITY = Object.fromEntries(fs.readFileSync(path.join(TOP, 'deploy/headers'), 'utf8').trim().split('\n')
  .map(line => [line.split(': ')[0].toLowerCase(), line.slice(line.indexOf(': ') + 2)]))

const head = (line, ...fields) => [line, 'Host: localhost', ...fields, 'Connection: close', '', ''].join('\r\n')
const POST = 'POST /v1/auth/login HTTP/1.1'
const JSON_TYPE = 'Content-Type: application/json'

// What a handler never gets from any of them.  Apache says what it cannot parse in HTML of its own, and lighttpd says it
// without headers: neither has a setting for it.
const UNPARSED = [
  ['a line that is no request', 'GARBAGE\r\n\r\n', 400],
  ['a field over the bound', head('GET /health HTTP/1.1', `X-Big: ${'a'.repeat(70000)}`), { 'apache-proxy': 400, 'apache-fcgid': 400, else: 431 }],
  ['an unknown transfer coding', head(POST, JSON_TYPE, 'Transfer-Encoding: nope'), { 'apache-proxy': 400, 'apache-fcgid': 400, else: 501 }]
]
// …and what only some refuse: the others pass it on.
const REFUSED = {
  lighttpd: [['a chunk without a length', head(POST, JSON_TYPE, 'Transfer-Encoding: chunked') + 'zz\r\n', 400]],
  nginx: [['a target over the bound', head(`GET /${'a'.repeat(70000)} HTTP/1.1`), 414], ['another version of HTTP', head('GET /health HTTP/9.9'), 505],
    ['TRACE', head('TRACE /health HTTP/1.1'), 405], ['a body over the bound', head(POST, JSON_TYPE, 'Content-Length: 900000000'), 413]],
  'apache-proxy': [['a target over the bound', head(`GET /${'a'.repeat(70000)} HTTP/1.1`), 414], ['an unknown expectation', head(POST, 'Expect: nope', 'Content-Length: 2') + '{}', 417],
    ['TRACE', head('TRACE /health HTTP/1.1'), 405]]
}
REFUSED['apache-fcgid'] = REFUSED['apache-proxy']

// The whole of a reply, though its connection may linger.
const WHOLE = /^HTTP[^]*?\r\n\r\n(?:\{[^]*\}|[^]*<\/html>)\s*$/i

function parse (bytes) {
  const text = bytes.toString('latin1')
  const at = text.indexOf('\r\n\r\n')
  const [line, ...fields] = text.slice(0, at).split('\r\n')
  return { status: Number(line.split(' ')[1]), fields: fields.map(f => [f.slice(0, f.indexOf(':')).toLowerCase(), f.slice(f.indexOf(':') + 1).trim()]), body: text.slice(at + 4) }
}

const valuesOf = (reply, name) => reply.fields.filter(([n]) => n === name).map(([, value]) => value)

function assertSecure (reply, others = {}) {
  for (const [name, value] of Object.entries({ ...SECURITY, ...others })) {
    const values = valuesOf(reply, name)
    assert.equal(values.length, 1, `${name}: ${JSON.stringify(values)}`)
    if (value !== null) assert.equal(values[0], value, name)
  }
}

function assertProblem (reply) {
  assert.deepEqual(valuesOf(reply, 'content-type'), ['application/problem+json'])
  const problem = JSON.parse(reply.body)
  assert.equal(problem.status, reply.status)
  assert.match(problem.type, /^\/problems\/[a-z-]+$/)
}

test('deploy/headers are those of a handler', async () => {
  const health = await startHandler('health')
  try {
    const { headers } = await health.fcgi(cgi('GET', '/health'))
    for (const [name, value] of Object.entries(SECURITY)) assert.equal(headers[name], value, name)
  } finally { await health.stop() }
})

function suite (kind) {
  let stack, etag
  const ask = async bytes => parse(await stack.raw(bytes, { untilMatch: WHOLE }))
  before(async () => {
    stack = await startStack(kind)
    etag = (await stack.request('/openapi.json')).headers.etag
  })
  after(() => stack?.stop())

  for (const [what, request, statuses] of UNPARSED) {
    test(`${what} is refused`, async () => {
      const reply = await ask(request)
      assert.equal(reply.status, statuses[kind] ?? statuses.else ?? statuses)
      if (!kind.startsWith('apache')) assertProblem(reply)
      if (kind !== 'lighttpd') assertSecure(reply)
    })
  }

  for (const [what, request, status] of REFUSED[kind]) {
    test(`${what} is refused with a problem`, async () => {
      const reply = await ask(request)
      assert.equal(reply.status, status)
      assertProblem(reply)
      assertSecure(reply)
    })
  }

  for (const [what, target, fields, status, others] of [
    ['a list', '/v1/blog', () => [], 200], ['a 404', '/nope', () => [], 404], ['a 401', '/v1/auth/me', () => [], 401],
    ['a target that the server finds fault with', '/v1/blog/%zz', () => [], 400],
    ['a 304', '/openapi.json', () => [`If-None-Match: ${etag}`], 304], ['a viewer', '/docs', () => [], 200, { 'content-security-policy': null }]
  ]) {
    test(`${what} has its own headers once`, async () => {
      const reply = parse(await stack.raw(head(`GET ${target} HTTP/1.1`, ...fields())))
      assert.equal(reply.status, status)
      assertSecure(reply, others)
      assert.equal(new Set(reply.fields.map(([name]) => name).filter(name => name !== 'vary')).size, reply.fields.filter(([name]) => name !== 'vary').length)
    })
  }

  test('a viewer keeps its own policy', async () => {
    assert.match((await stack.request('/docs')).headers['content-security-policy'], /script-src 'self'/)
  })

  test('a handler that ends in mid-request is a problem', async () => {
    const body = '{"email": "a@example.com", "password": "x"}'
    const login = () => ask(head(POST, JSON_TYPE, `Content-Length: ${body.length}`) + body)
    let reply = await login()
    // One that is killed before it has the request is started again, and answers.
    await until('the server answers in its place', async () => {
      const pids = stack.pids().auth ?? []
      for (const pid of pids) process.kill(pid, 'SIGSTOP')
      const asked = login()
      await new Promise(resolve => setTimeout(resolve, 100))
      for (const pid of pids) process.kill(pid, 'SIGKILL')
      reply = await asked
      return reply.status >= 500
    })
    assertProblem(reply)
    assertSecure(reply)
  })
}

for (const kind of SERVERS) describe(kind, { skip: Boolean(process.env.QUIVER_URL) }, () => suite(kind))
