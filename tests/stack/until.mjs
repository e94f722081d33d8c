// Waiting for a condition, never for luck: until(what, check, ms) gives what check() gave when it is true, and fails
// naming `what` at the deadline, or at once when check() throws an error that is `fatal`.
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

export async function until (what, check, deadlineMs = 15000) {
  const deadline = Date.now() + deadlineMs
  let last
  while (Date.now() < deadline) {
    try {
      const value = await check()
      if (value) return value
    } catch (e) {
      if (e.fatal) throw e
      last = e
    }
    await sleep(10)
  }
  throw new Error(`${what}: not within ${deadlineMs} ms${last ? ` (${last.message})` : ''}`)
}
