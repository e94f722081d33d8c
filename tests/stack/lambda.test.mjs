// Events of Lambda through the bootstrap to the handlers as they are, and back.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, test } from 'node:test'
import zlib from 'node:zlib'
import { HANDLERS, OWNER, runHandler, TOP, until } from './harness.mjs'
import { httpEvent, makeFunction, sample } from './lambda.mjs'

const fn = makeFunction({ env: { LAMBDA_START: 'init' } })
const echo = makeFunction({ table: '/ PROGRAM\n' })
after(async () => { await fn.runtime.stop(); await echo.runtime.stop() })

const ask = async event => {
  const result = await fn.runtime.invoke(event)
  assert.equal(result.error, undefined, JSON.stringify(result.error))
  return { ...result.json(), ...result, reply: result.json() }
}
const echoed = async (event, runtime = echo.runtime) => {
  const result = await runtime.invoke(event)
  assert.equal(result.error, undefined, JSON.stringify(result.error))
  const reply = result.json()
  const { params, body } = JSON.parse(reply.isBase64Encoded ? plain(reply) : reply.body)
  return { params, body: Buffer.from(body, 'base64'), reply }
}
const header = (reply, name) => {
  const list = Object.entries(reply.headers ?? reply.multiValueHeaders).find(([key]) => key.toLowerCase() === name)?.[1]
  return Array.isArray(list) ? list[0] : list
}
const plain = reply => {
  const bytes = Buffer.from(reply.body, reply.isBase64Encoded ? 'base64' : 'utf8')
  return (header(reply, 'content-encoding') === 'gzip' ? zlib.gunzipSync(bytes) : bytes).toString()
}

// --- every kind, every endpoint --------------------------------------------------------------------------------

test('every endpoint has an event, and answers it with a status of its own', async () => {
  const names = fs.readdirSync(path.join(TOP, 'events/http-api')).filter(name => /^(get|post|put|patch|delete)-/.test(name))
  const routes = HANDLERS.flatMap(name => runHandler(name, ['--routes']).stdout.trim().split('\n').map(line => line.split(/\s+/).slice(0, 2).join(' ')))
  const asked = new Set()
  for (const name of names) {
    const event = sample(`http-api/${name.slice(0, -5)}`)
    const { statusCode, body, isBase64Encoded } = await ask(event)
    assert.ok(statusCode < 500, `${name}: ${statusCode} ${body}`)
    if (statusCode === 405) assert.fail(`${name}: no such method`)
    // A path that no handler has is refused by the bootstrap or by the router.
    if (statusCode === 404) assert.ok(isBase64Encoded || !/no handler of this function|there is nothing/.test(body), `${name}: ${body}`)
    asked.add(routes.find(route => {
      const [method, pattern] = route.split(' ')
      return method === event.requestContext.http.method &&
        new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(event.rawPath) &&
        (!pattern.includes('{') || !routes.includes(`${method} ${event.rawPath}`))
    }))
  }
  assert.deepEqual(routes.filter(route => !asked.has(route)), [])
})

for (const kind of ['rest-api', 'http-api', 'function-url', 'alb', 'alb-multi-value']) {
  test(`an event of ${kind} is answered in its own form`, async () => {
    const health = (await ask(sample(`${kind}/get-health`))).reply
    assert.equal(health.statusCode, 200)
    assert.equal(health.isBase64Encoded, false)
    assert.deepEqual(JSON.parse(health.body), { status: 'ok' })
    const many = kind === 'rest-api' || kind === 'alb-multi-value'
    assert.equal(many, health.multiValueHeaders !== undefined)
    assert.equal(!many, health.headers !== undefined)
    assert.equal(kind.startsWith('alb') ? '200 OK' : undefined, health.statusDescription)
    assert.match(header(health, 'content-type'), /^application\/json/)
    assert.equal(header(health, 'content-length'), undefined)
    assert.equal(header(health, 'status'), undefined)
  })

  test(`an event of ${kind} signs the owner in`, async () => {
    const { reply } = await ask(sample(`${kind}/post-v1-auth-login`))
    assert.equal(reply.statusCode, 200, reply.body)
    assert.ok(JSON.parse(plain(reply)).access_token)
  })
}

test('a post is created with the token of a sign-in, and read again', async () => {
  const login = await ask(httpEvent('POST', '/v1/auth/login', { headers: { 'content-type': 'application/json' }, body: JSON.stringify(OWNER) }))
  const authorization = `Bearer ${JSON.parse(plain(login)).access_token}`
  const created = await ask(httpEvent('POST', '/v1/blog', {
    headers: { 'content-type': 'application/json', authorization }, base64: true,
    body: Buffer.from(JSON.stringify({ slug: 'from-lambda', title: 'Ä title', body: 'text '.repeat(500) })).toString('base64')
  }))
  assert.equal(created.statusCode, 201, created.body)
  assert.match(header(created, 'location'), /^\/v1\/blog\/|^https?:/)
  const read = await ask(httpEvent('GET', `/v1/blog/${JSON.parse(plain(created)).id}`, { headers: { authorization } }))
  assert.equal(read.statusCode, 200)
  assert.equal(JSON.parse(plain(read)).title, 'Ä title')
})

test('a reply over 1 KB is gzipped for who takes it, and for nobody else', async () => {
  const packed = await ask(sample('http-api/get-openapi_json'))
  assert.equal(header(packed, 'content-encoding'), 'gzip')
  assert.match(header(packed, 'vary'), /Accept-Encoding/)
  assert.equal(packed.isBase64Encoded, true)
  assert.equal(JSON.parse(plain(packed)).openapi, '3.1.0')
  const event = sample('http-api/get-openapi_json')
  delete event.headers['accept-encoding']
  const plainly = await ask(event)
  assert.equal(header(plainly, 'content-encoding'), undefined)
  assert.equal(plainly.isBase64Encoded, false)
})

test('the log is lines of JSON, with the id that the report of Lambda has', async () => {
  const { id } = await ask(sample('http-api/get-v1-blog'))
  // What is written after the reply may wait for the end of the freeze.
  await until('a line with the id of the invocation', async () => {
    await ask(sample('http-api/get-health'))
    return fn.lines().some(line => line.request_id === id)
  })
})

// --- what a program gets to know ---------------------------------------------------------------------------------

test('a program that is none of ours gets the request as from a web server', async () => {
  const { params, body } = await echoed(httpEvent('PUT', '/echo/a%20b', {
    query: 'a=1&a=2', cookies: ['x=1', 'y=2'], headers: { 'content-type': 'text/plain', 'x-two': 'one, two' }, base64: true, body: '/wD+'
  }))
  assert.deepEqual([...body], [0xff, 0, 0xfe])
  for (const [name, value] of Object.entries({
    REQUEST_METHOD: 'PUT', REQUEST_URI: '/echo/a%20b?a=1&a=2', PATH_INFO: '/echo/a b', QUERY_STRING: 'a=1&a=2', SCRIPT_NAME: '', CONTENT_LENGTH: '3',
    CONTENT_TYPE: 'text/plain', HTTP_COOKIE: 'x=1; y=2', HTTP_X_TWO: 'one, two', REMOTE_ADDR: '203.0.113.7', HTTPS: 'on', REQUEST_SCHEME: 'https',
    LAMBDA_EVENT: 'http-api', GATEWAY_STAGE: '$default', GATEWAY_REQUEST_ID: 'JKJaXmPLvHcESHA='
  })) assert.equal(params[name], value, name)
  assert.match(params.LAMBDA_REQUEST_ID, /^[0-9a-f-]{36}$/)
  assert.equal(params.HTTP_X_REQUEST_ID, params.LAMBDA_REQUEST_ID)
  assert.match(params.HTTP_X_AMZN_TRACE_ID, /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=/)
  assert.ok(Number(params.LAMBDA_REMAINING_MS) > 0 && Number(params.LAMBDA_REMAINING_MS) <= 3000)
})

test('what an authorizer found arrives under names that no header has', async () => {
  const event = sample('http-api/stage-and-jwt-authorizer')
  Object.assign(event.headers, { 'authorizer-claim-sub': 'forged', authorizer_claim_sub: 'forged', 'lambda-event-source': 'forged', 'remote-addr': '192.0.2.1', proxy: 'http://192.0.2.1' })
  const { params } = await echoed(event)
  assert.equal(params.AUTHORIZER_CLAIM_sub, '8b1c5e6a-1111-4c4c-9d9d-000000000001')
  assert.equal(params['AUTHORIZER_CLAIM_cognito:username'], 'ada')
  assert.equal(params.AUTHORIZER_SCOPES, 'content:read profile')
  assert.equal(params.REMOTE_ADDR, '203.0.113.7')
  assert.equal(params.REQUEST_URI, '/v1/blog?limit=5')
  assert.equal(params.HTTP_PROXY, undefined)
  assert.equal(params.LAMBDA_EVENT_SOURCE, undefined)
  assert.deepEqual(Object.entries(params).filter(([name, value]) => value === 'forged' && !name.startsWith('HTTP_')), [])
})

for (const [name, path] of [['eventbridge/scheduled', '/events/aws.events'], ['sqs/two-messages', '/events/aws.sqs']]) {
  test(`an event of ${name} is posted to ${path} as it came`, async () => {
    const event = sample(name)
    const result = await echo.runtime.invoke(event)
    const { params, body } = result.json()
    assert.equal(params.REQUEST_METHOD, 'POST')
    assert.equal(params.PATH_INFO, path)
    assert.equal(params.CONTENT_TYPE, 'application/json')
    assert.equal(params.LAMBDA_EVENT_SOURCE, path.slice('/events/'.length))
    assert.deepEqual(JSON.parse(Buffer.from(body, 'base64')), event)
  })
}

test('a client cannot send what only events may', async () => {
  for (const target of ['/events/aws.sqs', '//events/aws.sqs', '/x/../events/aws.sqs', '/%65vents/aws.sqs', '/events']) {
    const result = await echo.runtime.invoke(httpEvent('POST', target, { body: '{"Records":[]}' }))
    assert.equal(result.json().statusCode, 404, target)
  }
})

test('a scheduled event that no handler takes fails, so that it is seen', async () => {
  const result = await fn.runtime.invoke(sample('eventbridge/scheduled'))
  assert.equal(result.error?.errorType, 'Handler.Refused')
  assert.match(result.error.errorMessage, /404 to \/events\/aws\.events/)
})

for (const [what, event] of [
  ['S3', { Records: [{ eventSource: 'aws:s3', s3: {} }] }], ['nothing', {}], ['a list', []], ['a web socket', { requestContext: { connectionId: 'a', routeKey: '$connect' } }]
]) {
  test(`an event of ${what} is refused with a reason, and the next one answered`, async () => {
    const { error, type } = await fn.runtime.invoke(event)
    assert.equal(error?.errorType, 'Event.Unknown')
    assert.equal(type, 'Event.Unknown')
    assert.match(error.errorMessage, /API Gateway/)
    assert.equal((await ask(sample('http-api/get-health'))).statusCode, 200)
  })
}

test('an event that is no JSON is refused with the place of the mistake', async () => {
  const { error } = await fn.runtime.invoke('{"a":\n!}')
  assert.equal(error?.errorType, 'Event.Malformed')
  assert.match(error.errorMessage, /line 2, column 1/)
})

// --- replies -----------------------------------------------------------------------------------------------------------

test('cookies go out one by one in every form', async () => {
  const cookies = ['a=1; Path=/', 'b=2, c', 'c=3']
  const of = async kind => {
    const event = sample(`${kind}/get-health`)
    event[event.rawPath ? 'rawPath' : 'path'] = '/cookies'
    if (event.pathParameters) event.pathParameters.proxy = 'cookies'
    return (await echo.runtime.invoke(event)).json()
  }
  assert.deepEqual((await of('http-api')).cookies, cookies)
  assert.equal((await of('http-api')).headers.Vary, 'Accept, Origin')
  assert.deepEqual((await of('function-url')).cookies, cookies)
  assert.deepEqual((await of('rest-api')).multiValueHeaders['Set-Cookie'], cookies)
  assert.deepEqual((await of('alb-multi-value')).multiValueHeaders['Set-Cookie'], cookies)
  const single = (await of('alb')).headers
  assert.deepEqual(Object.entries(single).filter(([name]) => name.toLowerCase() === 'set-cookie').map(([, value]) => value), cookies)
})

test('bytes that are no text go out as base64', async () => {
  const reply = (await echo.runtime.invoke(httpEvent('GET', '/binary'))).json()
  assert.equal(reply.isBase64Encoded, true)
  assert.deepEqual([...Buffer.from(reply.body, 'base64')], [0x89, 0x50, 0, 0xff, 0xfe])
})

test('a body of 5 MB arrives whole', async () => {
  const { body } = await echoed(httpEvent('POST', '/echo', { body: 'b'.repeat(4_000_000), headers: { 'content-type': 'text/plain' } }))
  assert.equal(body.length, 4_000_000)
  const { reply } = await ask(httpEvent('POST', '/v1/auth/login', { base64: true, body: Buffer.alloc(4_000_000, 'x').toString('base64'), headers: { 'content-type': 'application/json' } }))
  assert.equal(reply.statusCode, 413)
})

test('an event over 6 MB is answered with 413', async () => {
  const reply = (await echo.runtime.invoke(httpEvent('POST', '/echo', { body: 'b'.repeat(6_400_000) }))).json()
  assert.equal(reply.statusCode, 413)
  assert.equal(JSON.parse(reply.body).status, 413)
})

test('a program may answer before it has read the body', async () => {
  const reply = (await echo.runtime.invoke(httpEvent('POST', '/early', { body: 'b'.repeat(5_000_000) }))).json()
  assert.equal(reply.statusCode, 413)
  assert.equal(reply.body, 'too much')
})

for (const [kind, fits, over] of [['http-api', 6_000_000, 6_400_000], ['alb', 1_000_000, 1_100_000]]) {
  test(`a reply that ${kind} would not let through is a 500 that says so`, async () => {
    const of = async size => {
      const event = sample(`${kind}/get-health`)
      Object.assign(event, kind === 'alb' ? { path: '/large', queryStringParameters: { [size]: '' } } : { rawPath: '/large', rawQueryString: String(size) })
      return (await echo.runtime.invoke(event)).json()
    }
    assert.equal((await of(fits)).body.length, fits)
    const reply = await of(over)
    assert.equal(reply.statusCode, 500)
    assert.match(JSON.parse(reply.body).detail, /larger than Lambda lets through/)
  })
}

// --- in pieces ------------------------------------------------------------------------------------------------------

test('a streamed reply goes out piece by piece behind its prelude', async () => {
  const stream = makeFunction({ table: '/ PROGRAM\n', env: { LAMBDA_STREAM: 'on' } })
  after(() => stream.runtime.stop())
  const slow = (await stream.runtime.invoke(httpEvent('GET', '/slow'))).streamed
  assert.equal(slow.prelude.statusCode, 200)
  assert.equal(slow.prelude.headers['Content-Type'], 'text/plain')
  assert.equal(slow.body.toString(), 'one two three')
  assert.ok(slow.whole)
  assert.ok(slow.pieces.length >= 3, `${slow.pieces.length} pieces`)
  assert.deepEqual((await stream.runtime.invoke(httpEvent('GET', '/cookies'))).streamed.prelude.cookies, ['a=1; Path=/', 'b=2, c', 'c=3'])
  const large = (await stream.runtime.invoke(httpEvent('GET', '/large', { query: '9000000' }))).streamed
  assert.equal(large.body.length, 9_000_000)
  const broken = (await stream.runtime.invoke(httpEvent('GET', '/midway'))).streamed
  assert.equal(broken.whole, false)
  assert.equal(broken.body.toString(), 'half of')
  assert.match(broken.trailers['lambda-runtime-function-error-type'], /^Handler\./)
  assert.match(JSON.parse(Buffer.from(broken.trailers['lambda-runtime-function-error-body'], 'base64')).errorMessage, /program|node/)
  const crashed = (await stream.runtime.invoke(httpEvent('GET', '/crash'))).streamed
  assert.equal(crashed.prelude.statusCode, 502)
  assert.equal((await stream.runtime.invoke(httpEvent('GET', '/binary'))).streamed.body.length, 5)
})

