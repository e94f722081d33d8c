// Many connections at once, and what is left of them.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import net from 'node:net'
import { after, before, describe, test } from 'node:test'
import { FcgiConnection, cgi, descriptorsOf, fcgiRequest, startHandler, startStack, until } from './harness.mjs'

const MANY = 2000
const resident = pid => Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1])

async function inBatches (n, most, make) {
  const all = []
  for (let at = 0; at < n; at += most) all.push(...await Promise.all(Array.from({ length: Math.min(most, n - at) }, (_, i) => make(at + i))))
  return all
}

describe('a handler', () => {
  let health, idle
  const me = cgi('GET', '/health')
  before(async () => {
    health = await startHandler('health')
    await health.fcgi(me)
    idle = descriptorsOf(health.pid)
  })
  after(async () => assert.equal((await health.stop()).code, 0))

  test(`${MANY} open connections that say nothing`, async () => {
    const all = await inBatches(MANY, 100, () => FcgiConnection.open(health.socket))
    // Connections of before may have been closing while `idle` was counted.
    await until('all are accepted', () => descriptorsOf(health.pid) >= idle + MANY - 2)
    for (let i = 0; i < 20; i++) assert.equal((await health.fcgi(me)).status, 200)
    all.forEach(c => c.destroy())
    await until('all are closed', () => descriptorsOf(health.pid) <= idle + 2)
  })

  test(`${MANY} kept connections, each used three times`, async () => {
    const all = await inBatches(MANY, 100, () => FcgiConnection.open(health.socket))
    for (let round = 1; round <= 3; round++) {
      for (let at = 0; at < MANY; at += 100) {
        const replies = await Promise.all(all.slice(at, at + 100).map(c => c.send(fcgiRequest(me, { id: round, keep: true })).reply(round)))
        for (const r of replies) assert.equal(r?.status, 200)
      }
    }
    assert.ok(all.every(c => !c.closed))
    all.forEach(c => c.destroy())
    await until('all are closed', () => descriptorsOf(health.pid) <= idle + 2)
  })

  test('memory and descriptors are flat over 5,000 connections', async () => {
    const use = () => inBatches(2500, 50, async () => assert.equal((await health.fcgi(me)).status, 200))
    await use()
    const before = { memory: resident(health.pid), descriptors: descriptorsOf(health.pid) }
    await use()
    await until('descriptors as before', () => descriptorsOf(health.pid) <= before.descriptors)
    // Under a sanitizer freed memory is kept for a while.
    if (!process.env.QUIVER_BUILD?.includes('asan')) assert.ok(resident(health.pid) < before.memory * 1.1 + 512)
  })
})

describe('behind lighttpd', { skip: Boolean(process.env.QUIVER_URL) }, () => {
  let stack
  before(async () => { stack = await startStack('lighttpd') })
  after(() => stack?.stop())

  const line = 'GET /v1/blog?limit=1 HTTP/1.1\r\nHost: localhost\r\n\r\n'
  function client (port) {
    return new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1', () => resolve(socket))
      socket.once('error', reject)
    })
  }
  function ask (socket) {
    return new Promise((resolve, reject) => {
      let text = ''
      const onData = part => {
        text += part.toString('latin1')
        const at = text.indexOf('\r\n\r\n')
        const length = at < 0 ? NaN : Number(/content-length: (\d+)/i.exec(text)?.[1])
        if (at >= 0 && text.length >= at + 4 + length) { socket.off('data', onData); resolve(Number(text.slice(9, 12))) }
      }
      socket.on('data', onData)
      socket.once('close', () => reject(new Error('closed')))
      socket.write(line)
    })
  }

  test(`${MANY} clients stay connected, and all are answered`, async () => {
    const port = Number(new URL(stack.url).port)
    const pid = stack.pids().content[0]
    const come = async many => {
      const all = await inBatches(many, 100, () => client(port))
      for (let at = 0; at < many; at += 200) {
        for (const status of await Promise.all(all.slice(at, at + 200).map(ask))) assert.equal(status, 200)
      }
      all.forEach(s => s.destroy())
    }
    // Each worker opens what it needs with its first request.
    await come(400)
    await until('they are gone', () => descriptorsOf(pid) < 200)
    const idle = descriptorsOf(pid)
    await come(MANY)
    await until('descriptors as before', () => descriptorsOf(pid) <= idle + 4)
    assert.equal((await stack.request('/v1/blog?limit=1')).status, 200)
  })
})
