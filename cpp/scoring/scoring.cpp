// Scoring spread over threads, each with room of its own.
#define FIELDFARE_ISA host  // none of the kernels: only what their headers say of themselves
#include <algorithm>
#include <memory>
#include <vector>

#include "common/team.hpp"
#include "isa/isa.hpp"
#include "models/kinds.hpp"
#include "scoring/job.hpp"

namespace fieldfare {

namespace {

std::int64_t longest_row(const Rows& rows, std::int64_t begin, std::int64_t end) {
  std::int64_t longest = 0;
  for (std::int64_t row = begin; row < end; ++row) {
    longest = std::max(longest, rows.indptr[row + 1] - rows.indptr[row]);
  }
  return std::min(longest, rows.n_entries);
}

// Left uninitialised: the pages of room that is not needed are never touched.
template <class T>
std::unique_ptr<T[]> room_for(std::int64_t n) {
  return std::unique_ptr<T[]>(new T[static_cast<std::size_t>(n)]);
}

// What one thread needs to score rows of at most `longest` entries.
struct Room {
  std::unique_ptr<float[]> floats;
  std::unique_ptr<std::int32_t[]> place;
  std::unique_ptr<FieldEntry[]> entries;
  std::unique_ptr<std::uint32_t[]> ids;
  std::unique_ptr<std::uint16_t[]> fields;

  // Makes the room and points a job to it.
  Room(ScoreJob& job, std::int64_t longest) {
    const Spec& spec = *job.spec;
    const bool has_fields = traits_of(spec.kind).uses_fields;
    const bool has_context = job.context != nullptr;
    const std::int64_t of_context =
        has_context ? job.context->indptr[1] - job.context->indptr[0] : 0;
    const std::int64_t sums = host::with_model(spec, [&]<class Model>() {
      return (has_context ? Model::context_floats(job, of_context) : 0) +
             Model::row_floats(job, longest, of_context);
    });
    longest = std::max(longest, of_context);
    job.entry_capacity = of_context + longest;
    floats = room_for<float>(2 * spec.n_outputs + longest + sums);
    place = room_for<std::int32_t>(has_fields ? spec.n_fields : 0);
    entries = room_for<FieldEntry>(has_fields ? spec.n_outputs * job.entry_capacity : 0);
    ids = room_for<std::uint32_t>(longest);
    fields = room_for<std::uint16_t>(has_fields ? longest : 0);
    job.linear = floats.get();
    job.inside = job.linear + spec.n_outputs;
    job.known_values = job.inside + spec.n_outputs;
    job.sums = job.known_values + longest;
    job.place = place.get();
    job.entries = entries.get();
    job.known_ids = ids.get();
    job.known_fields = fields.get();
  }
};

}  // namespace

void score(const ScoreJob& job, std::int64_t n_threads) {
  const std::int64_t total = job.end - job.begin;
  n_threads = std::max<std::int64_t>(1, std::min(n_threads, total));
  const std::int64_t longest = longest_row(*job.rows, job.begin, job.end);
  std::vector<ScoreJob> parts(static_cast<std::size_t>(n_threads), job);
  std::vector<Room> rooms;
  rooms.reserve(parts.size());
  for (ScoreJob& part : parts) rooms.emplace_back(part, longest);
  run_team(n_threads, [&](Member& member) {
    ScoreJob& part = parts[static_cast<std::size_t>(member.number())];
    member.share(total, [&](std::int64_t begin, std::int64_t end) {
      part.begin = job.begin + begin;
      part.end = job.begin + end;
      isa().score_rows(part);
    });
  });
}

}  // namespace fieldfare
