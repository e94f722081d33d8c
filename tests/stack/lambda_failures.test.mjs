// What goes wrong in a function: a program that crashes, hangs, never starts; a frozen
// sandbox, a connection that broke, a stop.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, test } from 'node:test'
import { binary, childrenOf, until } from './harness.mjs'
import { httpEvent, makeFunction, sample } from './lambda.mjs'

const fn = makeFunction({ table: '/ PROGRAM\n/refuses PROGRAM refuse\n', env: { DEADLINE_MARGIN_MS: '200' }, timeoutMs: 1500 })
after(() => fn.runtime.stop())

const ask = async (target, options) => {
  const result = await fn.runtime.invoke(httpEvent('GET', target, options))
  assert.equal(result.error, undefined, JSON.stringify(result.error))
  return { ...result, ...result.json() }
}
const pidOfProgram = async () => JSON.parse((await ask('/echo')).body).pid

for (const [name, detail] of [
  ['crash', /ended before it answered|broke off/], ['midway', /ended before it answered|broke off/], ['leave', /ended before it answered|broke off/],
  ['silent', /broke off/], ['garbage', /broke off/], ['headless', /without a CGI header/]
]) {
  test(`a program that ${name === 'crash' ? 'crashes' : `does "${name}"`} is a 502, and the next request is answered`, async () => {
    const { statusCode, headers, body } = await ask(`/${name}`)
    assert.equal(statusCode, 502)
    assert.equal(headers['Content-Type'], 'application/problem+json')
    assert.match(JSON.parse(body).detail, detail)
    assert.equal((await ask('/echo')).statusCode, 200)
    assert.equal(fn.runtime.started, 1, 'the sandbox was lost')
  })
}

test('a program that ended between events is started again, and nobody sees it', async () => {
  const before = await pidOfProgram()
  process.kill(before, 'SIGKILL')
  await until('its end', () => fn.runtime.states().includes('Z'))
  const result = await ask('/echo')
  assert.equal(result.statusCode, 200)
  assert.notEqual(JSON.parse(result.body).pid, before)
})

test('a program that hangs is a 504 before Lambda\'s deadline, and is replaced', async () => {
  const before = await pidOfProgram()
  const { statusCode, ms, body } = await ask('/hang')
  assert.equal(statusCode, 504)
  assert.match(JSON.parse(body).detail, /did not answer in time/)
  assert.ok(ms > 1200 && ms < 1500, `${ms} ms`)
  assert.notEqual(await pidOfProgram(), before)
  assert.equal(fn.runtime.started, 1)
})

test('a program that does not start is a 502 for its own paths alone', async () => {
  assert.equal((await ask('/refuses/this')).statusCode, 502)
  assert.equal((await ask('/echo')).statusCode, 200)
  assert.match(fn.log(), /a setting is missing/)
})

test('a program that writes much to its standard error is not held up', async () => {
  const { statusCode, body } = await ask('/noisy')
  assert.equal(statusCode, 200)
  assert.equal(body, 'heard')
  await until('what it wrote', () => fn.log().includes('n'.repeat(1000)) && fn.log().includes('e'.repeat(1000)))
})

test('a queue\'s event that fails is a failed invocation, so that it comes again', async () => {
  const lost = makeFunction({ table: '/other PROGRAM\n' })
  after(() => lost.runtime.stop())
  const { error } = await lost.runtime.invoke(sample('sqs/two-messages'))
  assert.equal(error?.errorType, 'Event.NoHandler')
  assert.equal((await lost.runtime.invoke(httpEvent('GET', '/nowhere'))).json().statusCode, 404)
  assert.equal((await lost.runtime.invoke(httpEvent('GET', '/other/..%2f..'))).json().statusCode, 400)
})

test('between events everything is frozen, and goes on after a long freeze', async () => {
  await ask('/echo')
  await until('the freeze', () => fn.runtime.states().length >= 2 && fn.runtime.states().every(state => state === 'T'))
  await new Promise(resolve => setTimeout(resolve, 2000))
  assert.equal((await ask('/echo')).statusCode, 200)
})

test('a wait for an event that is broken off is begun again', async () => {
  const thawed = makeFunction({ table: '/ PROGRAM\n', freeze: false })
  after(() => thawed.runtime.stop())
  for (let i = 0; i < 3; i++) {
    assert.equal((await thawed.runtime.invoke(httpEvent('GET', '/echo'))).json().statusCode, 200)
    await until('the wait', () => thawed.runtime.sandbox.waiting)
    thawed.runtime.cut()
  }
  assert.equal((await thawed.runtime.invoke(httpEvent('GET', '/echo'))).json().statusCode, 200)
  assert.equal(thawed.runtime.started, 1)
})

for (const [what, options, reason] of [
  ['a table that is not there', { env: { LAMBDA_HANDLERS: 'nothing' } }, /LAMBDA_HANDLERS: nothing: No such file/],
  ['a program that is not there', { table: '/ /nowhere/program\n' }, /line 1, .*there is no such executable/],
  ['a path without its /', { table: '# all\nblog PROGRAM\n' }, /line 2, .*begins with \//],
  ['an empty table', { table: '# nothing\n' }, /names no program/],
  ['a setting of no sense', { table: '/ PROGRAM\n', env: { LAMBDA_START: 'soon' } }, /LAMBDA_START: "soon": expected request or init/],
  ['a margin of no sense', { table: '/ PROGRAM\n', env: { DEADLINE_MARGIN_MS: '-1' } }, /DEADLINE_MARGIN_MS: "-1"/],
  ['a program that does not start', { table: '/ PROGRAM refuse\n', env: { LAMBDA_START: 'init' } }, /ended at its start/],
  ['a folder that others may write to', { table: '/ PROGRAM\n', env: { LAMBDA_RUN_DIR: '/tmp' } }, /LAMBDA_RUN_DIR: \/tmp: Operation not permitted/]
]) {
  test(`a start with ${what} is told to Lambda`, async () => {
    const { runtime } = makeFunction(options)
    const { error } = await runtime.invoke(httpEvent('GET', '/echo'))
    assert.equal(error?.errorType, 'Runtime.InitError')
    assert.equal(runtime.initErrors.length, 1)
    assert.match(runtime.initErrors[0].errorMessage, reason)
    assert.equal(runtime.pid, undefined)
  })
}

test('SIGTERM lets handlers finish, and leaves neither processes nor sockets', async () => {
  const { runtime, root, lines } = makeFunction({ table: `/health ${binary('health')}\n`, env: { LAMBDA_START: 'init' } })
  assert.equal((await runtime.invoke(sample('http-api/get-health'))).json().statusCode, 200)
  const [pid] = childrenOf(runtime.pid)
  const end = await runtime.stop()
  assert.equal(end.code, 0)
  assert.ok(end.ms < 1000, `${end.ms} ms`)
  assert.ok(lines().some(line => line.event === 'stop' && line.cut_off === 0), 'it was not stopped in order')
  assert.throws(() => process.kill(pid, 0))
  assert.deepEqual(fs.readdirSync(path.join(root, 'run/lambda')).filter(name => name.endsWith('.sock')), [])
})

test('SIGTERM during an event lets it be answered first', async () => {
  const { runtime } = makeFunction({ table: '/ PROGRAM\n', freeze: false })
  await runtime.invoke(httpEvent('GET', '/echo'))
  const answer = runtime.invoke(httpEvent('GET', '/slow'))
  await until('the event is handed over', () => runtime.sandbox.turn?.handed)
  const end = await runtime.stop()
  assert.equal((await answer).json().body, 'one two three')
  assert.equal(end.code, 0)
})

test('when the bootstrap is killed, nothing that it started is left', async () => {
  const { runtime } = makeFunction({ table: '/ PROGRAM\n', freeze: false, leave: true })
  const { pid } = JSON.parse((await runtime.invoke(httpEvent('GET', '/echo'))).json().body)
  process.kill(runtime.pid, 'SIGKILL')
  await until('its end', () => { try { process.kill(pid, 0); return false } catch { return true } })
})
