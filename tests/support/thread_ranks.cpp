#include "support/thread_ranks.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace reprise::test {
namespace {

using Message = std::vector<std::byte>;

/// The messages on their way.
class Mail {
 public:
  void put(std::size_t from, std::size_t to, std::span<const std::byte> message) {
    const std::lock_guard lock(mutex_);
    boxes_[{from, to}].emplace_back(message.begin(), message.end());
    changed_.notify_all();
  }
  void take(std::size_t from, std::size_t to, std::span<std::byte> message) {
    std::unique_lock lock(mutex_);
    std::deque<Message>& box = boxes_[{from, to}];
    changed_.wait(lock, [&] { return !box.empty() || ended_; });
    if (box.empty()) throw RankLost("ranks", "a rank has ended", "all to go on");
    if (box.front().size() != message.size()) {
      throw RankLost("ranks", std::to_string(box.front().size()) + " bytes",
                     std::to_string(message.size()));
    }
    std::copy(box.front().begin(), box.front().end(), message.begin());
    box.pop_front();
  }
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<std::size_t, std::size_t>, std::deque<Message>> boxes_;
  bool ended_ = false;
};

class ThreadRanks : public Ranks {
 public:
  ThreadRanks(Mail& mail, std::size_t rank, std::size_t size)
      : mail_(mail), rank_(rank), size_(size) {}
  [[nodiscard]] std::size_t size() const override { return size_; }
  [[nodiscard]] std::size_t rank() const override { return rank_; }
  [[nodiscard]] std::string transport() const override { return "threads"; }

 private:
  void do_send(std::size_t to, std::span<const std::byte> message) override {
    mail_.put(rank_, to, message);
  }
  void do_receive(std::size_t from, std::span<std::byte> message) override {
    mail_.take(from, rank_, message);
  }

  Mail& mail_;
  std::size_t rank_, size_;
};

}  // namespace

void on_thread_ranks(std::size_t size, const std::function<void(Ranks&)>& work) {
  Mail mail;
  std::vector<std::exception_ptr> failures(size), losses(size);
  std::vector<std::thread> threads;
  for (std::size_t rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        ThreadRanks ranks(mail, rank, size);
        work(ranks);
        return;
      } catch (const RankLost&) {
        losses[rank] = std::current_exception();
      } catch (...) {
        failures[rank] = std::current_exception();
      }
      mail.end();
    });
  }
  for (std::thread& thread : threads) thread.join();
  failures.insert(failures.end(), losses.begin(), losses.end());
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace reprise::test
