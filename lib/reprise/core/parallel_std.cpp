// The backend of parallel.hpp on std::thread: one pool of threads for the process, which grows to
// the most that was asked for and is kept. A call is a job; its caller works at it, and so do
// threads of the pool that have nothing else to do. Whoever works at a job takes its next task
// until none is left.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

#include "reprise/core/parallel_backend.hpp"

namespace reprise::parallel_backend {
namespace {

struct Job {
  const std::size_t threads;  ///< at most this many work on it, including the caller
  const std::size_t tasks;
  const std::function<void(std::size_t task, std::size_t worker)>& body;
  std::atomic<std::size_t> next = 0;  ///< the task that is taken next
  // The pool's mutex guards these.
  std::size_t joined = 1;   ///< threads that have begun a task of it: worker 0 is the caller
  std::size_t at_work = 0;  ///< threads of the pool that work at it now
  std::exception_ptr failure{};
  std::condition_variable finished{};  ///< at_work has become 0

  [[nodiscard]] bool wants_threads() const { return joined < threads && next < tasks; }
};

class Pool {
 public:
  /// Has at least `wanted` threads, or as many as the system grants.
  void grow(std::size_t wanted);
  void run(Job& job);

 private:
  void serve();
  void work(Job& job, std::size_t worker);

  std::mutex mutex_;  ///< guards all that follows
  std::condition_variable job_waits_;
  std::vector<Job*> jobs_;  ///< in the order in which they came
  std::size_t threads_ = 0;
};

void Pool::grow(std::size_t wanted) {
  const std::lock_guard<std::mutex> lock(mutex_);
  try {
    for (; threads_ < wanted; ++threads_) std::thread([this] { serve(); }).detach();
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {
  }
}

/// What a thread of the pool does as long as the process lives.
void Pool::serve() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    const auto found = std::find_if(jobs_.begin(), jobs_.end(),
                                    [](const Job* job) { return job->wants_threads(); });
    if (found == jobs_.end()) {
      job_waits_.wait(lock);
      continue;
    }
    Job& job = **found;
    const std::size_t worker = job.joined++;
    ++job.at_work;
    lock.unlock();
    work(job, worker);
    lock.lock();
    if (--job.at_work == 0) job.finished.notify_one();
  }
}

void Pool::work(Job& job, std::size_t worker) {
  try {
    for (std::size_t task = job.next++; task < job.tasks; task = job.next++) job.body(task, worker);
  } catch (...) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!job.failure) job.failure = std::current_exception();
    job.next = job.tasks;  // what has not begun is not done
  }
}

void Pool::run(Job& job) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    jobs_.push_back(&job);
  }
  for (std::size_t i = 1; i < std::min(job.threads, job.tasks); ++i) job_waits_.notify_one();
  work(job, 0);
  std::unique_lock<std::mutex> lock(mutex_);
  std::erase(jobs_, &job);
  job.finished.wait(lock, [&job] { return job.at_work == 0; });
  if (job.failure) std::rethrow_exception(job.failure);
}

/// Never destroyed: its threads outlive main, and whoever calls exit waits for none of them.
Pool& pool() {
  static Pool& pool = *new Pool;
  return pool;
}

}  // namespace

void run(std::size_t threads, std::size_t tasks,
         const std::function<void(std::size_t task, std::size_t worker)>& body) {
  pool().grow(threads - 1);
  Job job{threads, tasks, body};
  pool().run(job);
}

std::size_t start(std::size_t threads) {
  return threads;  // the pool starts them when there is work for them, and goes on without those
                   // refused
}

std::size_t processors() {
#ifdef __linux__
  // Not all of the machine's may be this process's. A set of more than 1,024 does not fit.
  cpu_set_t mine;
  if (sched_getaffinity(0, sizeof(mine), &mine) == 0) {
    return static_cast<std::size_t>(std::max(1, CPU_COUNT(&mine)));
  }
#endif
  return std::max(1U, std::thread::hardware_concurrency());
}

std::string onetbb_version() {
  return "not used";
}

}  // namespace reprise::parallel_backend
