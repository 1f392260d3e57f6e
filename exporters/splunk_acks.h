#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>

#include "core/bell.h"
#include "core/clock.h"
#include "exporters/http_sink.h"
#include "exporters/splunk_settings.h"

namespace auditferry {

// Batches that one host of Splunk has taken and not yet confirmed as indexed: only this host knows. Splunk counts them up within a channel and
// is asked for all of them in one request; it says "true" once and then forgets. There is no task of its
// own: of the coroutines that wait, one asks for all. Loop thread only; everything it is given outlives it.
class SplunkAcks {
 public:
  enum class End {
    confirmed,
    lost,      // not confirmed in time, or its number was given away again: it may or may not be indexed
    disabled,  // the token has no acknowledgement any more
    gone,      // the host has not answered for half a minute, and there are others: it may or may not be indexed
  };

  // `url`: of the host, one of the settings' addresses.
  SplunkAcks(const SplunkSettings& settings, std::string url, Clock& clock, HttpSink& sink, Executor loop,
             std::string channel);

  const std::string& channel() const { return channel_; }
  // Until it is known what became of the batch with this number.
  Task<End> wait(std::uint64_t ack_id);
  // Asks now, and more often from now on: the program wants to end.
  void hurry();
  // How many times in a row something sent after the last loss was lost again, without any confirmation.
  int rounds_lost() const { return rounds_lost_; }
  // How many times in a row something sent after Splunk had said that it knows no acknowledgements (code 14) got
  // a number all the same, and then the same words.
  int rounds_contradicted() const { return rounds_contradicted_; }
  // Why the last poll told nothing; empty when it did.
  const std::string& poll_problem() const { return poll_problem_; }
  HttpRequest poll_request(const std::string& ids) const;

 private:
  enum class State { waiting, confirmed, lost, disabled, gone };
  struct Entry {
    std::uint64_t ack_id;
    std::uint64_t serial;
    SteadyTime since;
    State state = State::waiting;
  };
  class Waiting;
  class Polling;
  Task<void> poll();
  void read_poll(const Result<HttpResponse>& answer, std::uint64_t last_serial);
  void watch_silence(const Result<HttpResponse>& answer, SteadyTime asked, std::uint64_t last_asked);
  void lose(Entry& entry, State how);
  void disable(Entry& entry);

  const SplunkSettings& settings_;
  const std::string url_;
  Clock& clock_;
  HttpSink& sink_;
  std::string channel_;
  Bell bell_;
  std::list<Entry> entries_;  // in the order of their serials
  std::uint64_t last_serial_ = 0;
  std::uint64_t last_ack_id_ = 0;
  SteadyTime next_poll_{};
  SteadyTime round_began_{};
  int rounds_lost_ = 0;
  std::optional<SteadyTime> silent_since_;  // polls have met nobody since
  std::optional<SteadyTime> disabled_since_;
  int rounds_contradicted_ = 0;
  bool polling_ = false;
  bool hurried_ = false;
  Duration poll_every_;  // grows up to ack_poll while polls confirm nothing
  std::string poll_problem_;
};

}  // namespace auditferry
