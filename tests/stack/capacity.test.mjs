// What each endpoint costs on DynamoDB: every one is asked once over the tests' DynamoDB, which counts what AWS would
// charge (dynamodb_units.mjs), and the table in deploy/GROWING.md says the same.  When it does not, the test prints what
// belongs between the page's two markers.  The page's commands are run, too, and its policy allows what was called.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Client, mailedCode, signIn } from './client.mjs'
import { BUILD, HANDLERS, TOP, makeRoot, placeOf, runHandler, startStack, startStore } from './harness.mjs'

const PAGE = fs.readFileSync(path.join(TOP, 'deploy/GROWING.md'), 'utf8')
const BEGIN = '<!-- capacity:', END = '<!-- end of capacity -->'
const BACKGROUND = ['revoked']          // read every two seconds by one process of a machine
const skip = process.env.QUIVER_URL && 'it needs a DynamoDB of its own'

// Endpoints that are those of blog posts, with another collection.
const ALIKE = /^\w+ \/v1\/(projects|certifications)/
// Endpoints that need a provider, a browser or a setting of their own.
const ELSEWHERE = [
  /\/v1\/auth\/(oauth|links|totp|login\/|confirm\/resend|providers|consents)/, /\/oauth2\/(authorize|userinfo)/, /\/v1\/auth\/clients\/\{id\}/,
  /\/v1\/developer\/keys\/leaks/, /^GET \/(v1\/content\/export|docs|redoc|problems|openapi\.json$|$)/, /\/\.well-known\/oauth-authorization-server/,
  /^GET \/(live|metrics|health\/detailed)$/
]

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))
const person = { email: 'ada@example.com', password: 'correct horse battery' }
// 2 KB of text: the documents stay below 4 KB, as most posts do.
const draft = n => ({ title: `Post ${n}`, category: 'notes', tags: ['one', 'two', 'three'], excerpt: 'What it is about.', body: 'some words of it '.repeat(120) })

let endpoint, stack, client
const rows = []

async function units () {
  const reply = await fetch(`${endpoint}/_units`)
  return reply.json()
}

// Some calls come after the reply: nobody waits for them.
async function settled () {
  for (let last = await units(); ;) {
    await sleep(60)
    const now = await units()
    if (now.calls === last.calls) return now
    last = now
  }
}

async function measure (name, send) {
  const begin = await settled()
  const reply = await send()
  assert.ok(reply.status >= 200 && reply.status < 300, `${name}: ${reply.status} ${reply.text}`)
  const end = await settled()
  const spent = key => end[key] - begin[key]
  rows.push({ name, calls: spent('calls'), read: spent('read'), write: spent('write'), index: spent('index') })
  return reply.text ? JSON.parse(reply.headers['content-type']?.includes('json') ? reply.text : '{}') : {}
}

// As an endpoint is when it was asked before: tokens are remembered, signing keys read.
async function measureAgain (name, send) {
  await send()
  return measure(name, send)
}

before(async () => {
  if (skip) return
  const store = startStore()
  endpoint = store.DYNAMODB_ENDPOINT
  await fetch(`${endpoint}/_spare`, { method: 'POST', body: JSON.stringify({ pks: BACKGROUND }) })
  const env = { ...store, STORE: 'dynamodb:quiver' }
  const made = runHandler('content', ['--create-table'], env)
  assert.equal(made.code, 0, made.stderr)
  stack = await startStack('lighttpd', { env })
  client = new Client(stack.url)
})

after(async () => {
  client?.close()
  await stack?.stop()
})

async function content (token) {
  const owner = { token }
  await client.post('/v1/blog', draft(0), owner)
  const post = await measure('POST /v1/blog', () => client.post('/v1/blog', draft(1), owner))
  await measure('POST /v1/blog, with an Idempotency-Key', () => client.post('/v1/blog', draft(2), { ...owner, headers: { 'idempotency-key': 'one' } }))
  const at = `/v1/blog/${post.id}`
  await measure('PATCH /v1/blog/{id}', () => client.request('PATCH', at, { ...owner, json: { excerpt: 'Another.' } }))
  await measure('POST /v1/blog/{id}/publish', () => client.post(`${at}/publish`, {}, owner))
  await measure('PUT /v1/blog/{id}', () => client.request('PUT', at, { ...owner, json: { ...draft(1), title: 'Post one' } }))
  for (let n = 3; n < 23; n++) {
    const { json } = await client.post('/v1/blog', draft(n), owner)
    await client.post(`/v1/blog/${json.id}/publish`, {}, owner)
  }
  await measureAgain('GET /v1/blog/{id}', () => client.get(at))
  await measureAgain('GET /v1/blog/{id}, by its slug', () => client.get('/v1/blog/post-3'))
  await measureAgain('GET /v1/blog/{id}, with an access token', () => client.get(at, owner))
  await measureAgain('GET /v1/blog, 20 of 21', () => client.get('/v1/blog'))
  await measureAgain('GET /v1/blog?q=, 20 hits of 21', () => client.get('/v1/blog?q=words'))
  await measureAgain('GET /v1/blog/categories', () => client.get('/v1/blog/categories'))
  await measureAgain('GET /v1/blog/{id}/revisions', () => client.get(`${at}/revisions`, owner))
  await measureAgain('GET /v1/blog/{id}/revisions/{version}', () => client.get(`${at}/revisions/1`, owner))
  await measure('POST /v1/blog/{id}/revisions/{version}/restore', () => client.post(`${at}/revisions/1/restore`, {}, owner))
  await measure('POST /v1/blog/{id}/unpublish', () => client.post(`${at}/unpublish`, {}, owner))
  await measure('DELETE /v1/blog/{id}', () => client.delete(at, owner))
  await measureAgain('GET /feed.xml, of 20', () => client.get('/feed.xml'))
  await measureAgain('GET /feed.json, of 20', () => client.get('/feed.json'))
  await measureAgain('GET /sitemap.xml, of 20', () => client.get('/sitemap.xml'))
  await measure('POST /v1/content/import, one new file', () => client.request('POST', '/v1/content/import?name=new.md', { ...owner, body: '---\ntitle: New\n---\nText.\n', type: 'text/markdown' }))
}

async function accounts () {
  const again = { ...person, password: 'another horse battery' }
  await measure('POST /v1/auth/register', () => client.post('/v1/auth/register', person))
  const code = () => mailedCode(stack, person.email)
  const confirmation = await code()
  await measure('POST /v1/auth/confirm', () => client.post('/v1/auth/confirm', { email: person.email, code: confirmation }))
  await signIn(client, person)
  let tokens = await measure('POST /v1/auth/login', () => client.post('/v1/auth/login', person))
  tokens = await measure('POST /v1/auth/refresh', () => client.post('/v1/auth/refresh', { refresh_token: tokens.refresh_token }))
  const me = { token: tokens.access_token }
  await measureAgain('GET /v1/auth/me', () => client.get('/v1/auth/me', me))
  await measure('PATCH /v1/auth/me', () => client.request('PATCH', '/v1/auth/me', { ...me, json: { name: 'Ada' } }))
  const { items } = await measureAgain('GET /v1/auth/sessions, of 2', () => client.get('/v1/auth/sessions', me))
  const other = items.find(s => !s.current)
  await measure('DELETE /v1/auth/sessions/{id}', () => client.delete(`/v1/auth/sessions/${other.id}`, me))
  await measure('POST /v1/auth/password/change', () => client.post('/v1/auth/password/change', { old_password: person.password, new_password: again.password }, me))
  await measure('POST /v1/auth/logout', () => client.post('/v1/auth/logout', {}, me))
  await measure('POST /v1/auth/password/forgot', () => client.post('/v1/auth/password/forgot', { email: person.email }))
  const reset = await code()
  await measure('POST /v1/auth/password/reset', () => client.post('/v1/auth/password/reset', { email: person.email, code: reset, new_password: person.password }))
  await measureAgain('GET /.well-known/jwks.json', () => client.get('/.well-known/jwks.json'))
  await measureAgain('GET /.well-known/openid-configuration', () => client.get('/.well-known/openid-configuration'))
}

async function keys (token) {
  const owner = { token }
  const key = await measure('POST /v1/developer/keys', () => client.post('/v1/developer/keys', { name: 'one', scopes: ['content:read'] }, owner))
  const at = `/v1/developer/keys/${key.id}`
  const by = { headers: { 'x-api-key': key.key } }
  await measure('GET /v1/blog/{id}, with an API key, the first time in a while', () => client.get('/v1/blog/post-3', by))
  await measureAgain('GET /v1/blog/{id}, with an API key', () => client.get('/v1/blog/post-3', by))
  await measureAgain('GET /v1/developer/keys, of 1', () => client.get('/v1/developer/keys', owner))
  await measureAgain('GET /v1/developer/keys/{id}', () => client.get(at, owner))
  await measure('PATCH /v1/developer/keys/{id}', () => client.request('PATCH', at, { ...owner, json: { name: 'two' } }))
  await measure('POST /v1/developer/keys/{id}/rotate', () => client.post(`${at}/rotate`, {}, owner))
  await measure('DELETE /v1/developer/keys/{id}', () => client.delete(at, owner))
}

async function applications (token) {
  const app = await measure('POST /v1/auth/clients', () => client.post('/v1/auth/clients', {
    name: 'Reports', type: 'confidential', redirect_uris: ['https://app.example/callback'], scopes: ['content:read'], grant_types: ['client_credentials']
  }, { token }))
  const authorization = `Basic ${Buffer.from(`${app.id}:${app.secret}`).toString('base64')}`
  const form = fields => ({ body: new URLSearchParams(fields).toString(), type: 'application/x-www-form-urlencoded', headers: { authorization } })
  await measureAgain('GET /v1/auth/clients, of 1', () => client.get('/v1/auth/clients', { token }))
  const grant = () => client.request('POST', '/oauth2/token', form({ grant_type: 'client_credentials' }))
  const { access_token: issued } = await measureAgain('POST /oauth2/token, client_credentials', grant)
  await measureAgain('POST /oauth2/introspect', () => client.request('POST', '/oauth2/introspect', form({ token: issued })))
  await measure('POST /oauth2/revoke', () => client.request('POST', '/oauth2/revoke', form({ token: issued })))
}

const show = n => Number.isInteger(n) ? String(n) : n.toFixed(1)
const tableOf = list => ['| endpoint | calls | read units | write units | of the index |', '| --- | --- | --- | --- | --- |',
  ...list.map(r => `| ${r.name} | ${r.calls} | ${show(r.read)} | ${show(r.write)} | ${show(r.index)} |`)].join('\n') + '\n'

describe('what an endpoint costs on DynamoDB', { skip }, () => {
  test('is what the page says', async () => {
    const { access_token: token } = await signIn(client)
    await content(token)
    await accounts()
    await keys(token)
    await applications(token)
    await measureAgain('GET /health', () => client.get('/health'))
    await measureAgain('GET /ready', () => client.get('/ready'))
    const begin = PAGE.indexOf('\n', PAGE.indexOf(BEGIN)) + 1, shown = PAGE.slice(begin, PAGE.indexOf(END, begin))
    const table = tableOf(rows)
    if (shown !== table) process.stdout.write(table)
    assert.ok(shown === table, 'deploy/GROWING.md has another table: the right one stands above')
  })

  test('is measured of every endpoint', () => {
    const routes = HANDLERS.flatMap(name => runHandler(name, ['--routes']).stdout.trim().split('\n')).map(line => line.split(/\s+/).slice(0, 2).join(' '))
    assert.ok(routes.length > 50, BUILD)
    const known = route => ALIKE.test(route) || ELSEWHERE.some(r => r.test(route)) || rows.some(({ name }) => name === route || name.startsWith(`${route},`) || name.startsWith(`${route}?`))
    assert.deepEqual(routes.filter(route => !known(route)), [])
  })
})

describe('the page', { skip }, () => {
  test('gives a handler the right to all that it calls, and to nothing else', async () => {
    const [, policy] = /^```json\n(.*?)^```$/ms.exec(PAGE)
    const allowed = JSON.parse(policy).Statement[0].Action.map(name => name.replace('dynamodb:', '')).sort()
    const parts = { TransactWriteItems: ['PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem'] }
    const called = Object.keys((await units()).operations).flatMap(name => parts[name] ?? [name])
    assert.deepEqual(allowed, [...new Set([...called, 'BatchGetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem'])]
      .filter(name => !/Table|TimeToLive/.test(name)).sort())
  })

  test('has commands that do as it says', () => {
    const root = makeRoot()
    const commands = [...PAGE.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block).join('').replaceAll('build/bin', placeOf('bin'))
    const as = process.getuid() === 0 ? ['runuser', '-u', 'www-data', '--', 'bash'] : ['bash']
    const run = spawnSync(as[0], [...as.slice(1), '-ec', commands], {
      cwd: root.state, encoding: 'utf8', timeout: 60000, env: { PATH: process.env.PATH, STATE_DIR: root.state, ...startStore() }
    })
    assert.equal(run.status, 0, run.stdout + run.stderr)
    assert.ok(fs.existsSync(path.join(root.state, 'back.db')))
    const body = name => fs.readFileSync(path.join(root.state, name), 'utf8').split('\n').slice(1).filter(line => line).sort()
    assert.deepEqual(body('back.ndjson').slice(1).length, body('there.ndjson').slice(1).length)
  })
})
