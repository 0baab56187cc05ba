// Drives a design's streams, cycle by cycle: beats from files in, beats to a file out.
//
// design.h, written beside it, gives the class Design, the constants kInputs, kInWords (by
// input), kLoads, kSettle, kHeld, kMemory, kEdges, kOutWords, kTraced and kTraceBeats (of a frame, by edge), and
// the functions offer(), accepted(), fault(), level(), handshake(), trace_beat() and those of memory. A beat is a
// whole number of 32-bit words, lowest first.
//
// The clocks are counted up to the last output beat. A traced design runs on until every
// trace is whole: a layer may have computed its last window before its frame has ended.
//
// Where weights are loaded (kLoads), they come in at the first port. The file of rounds says how
// many of its beats and of the output's each round has: the round's weights go first, and when
// they and all that they take to settle are through, its frames; clocks are counted with these.
// A single layer (kHeld) is in reset until its weights are there, as in its design.
//
// A design that reads external memory (kMemory) finds there a file's words, from kBase on, of each round as many
// as of any other, up to whole pages. Bursts are answered in their order, each after a random time, with
// random pauses. A burst beyond the file or over a page's end ends the simulation.

#include "design.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "verilated.h"
#if VM_TRACE_VCD
#include "verilated_vcd_c.h"
#endif

namespace {

class Dice {
  public:
    explicit Dice(uint64_t seed) : state_(seed * 2654435761ULL + 88172645463325252ULL) {}
    // True once in a thousand throws times `permille`.
    bool falls(unsigned permille) {
        if (permille == 0) return false;
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return (state_ >> 20) % 1000 < permille;
    }
    // A number from 0 on.
    uint64_t below(uint64_t limit) {
        falls(1);
        return (state_ >> 20) % limit;
    }

  private:
    uint64_t state_;
};

std::vector<uint32_t> load(const std::string& path) {
    std::vector<uint32_t> words;
    FILE* file = std::fopen(path.c_str(), "rb");
    if (!file) { std::fprintf(stderr, "cannot read %s\n", path.c_str()); std::exit(2); }
    std::fseek(file, 0, SEEK_END);
    words.resize(static_cast<std::size_t>(std::ftell(file)) / 4);
    std::fseek(file, 0, SEEK_SET);
    if (std::fread(words.data(), 4, words.size(), file) != words.size()) std::exit(2);
    std::fclose(file);
    return words;
}

FILE* writer(const std::string& path) {
    FILE* file = std::fopen(path.c_str(), "wb");
    if (!file) { std::fprintf(stderr, "cannot write %s\n", path.c_str()); std::exit(2); }
    return file;
}

// What comes in at a port, and how much of it has gone.
struct Input {
    std::vector<uint32_t> words;
    uint64_t beats, sent;
    bool offering;
};

// External memory behind the reading channels of AXI4.
class Memory {
  public:
    Memory(std::vector<uint32_t> words, std::size_t rounds) : words_(std::move(words)), rounds_(rounds) {}
    uint64_t base(std::size_t round) const { return kBase + words_.size() / rounds_ * 4 * round; }
    // Before the design is evaluated.
    void drive(Design& d, Dice& dice, unsigned stall, uint64_t now) {
        taking_ = bursts_.size() < kBursts && !dice.falls(stall);
        const bool there = !bursts_.empty() && bursts_.front().ready <= now;
        offering_ = there && (offering_ || !dice.falls(stall));
        answer(d, taking_, offering_, there ? &words_[bursts_.front().at] : nullptr,
               there && bursts_.front().beats == 1);
    }
    // After it: whether a beat has moved. False `sound` ends the simulation.
    bool move(const Design& d, Dice& dice, uint64_t latency, uint64_t now, bool& sound) {
        const bool moved = offering_ && answered(d);
        if (moved) {
            offering_ = false;
            bursts_.front().at += kMemoryWords;
            if (--bursts_.front().beats == 0) bursts_.pop_front();
        }
        if (taking_ && asks(d)) {
            const uint64_t from = address(d), bytes = uint64_t(length(d)) * kMemoryWords * 4;
            sound = from >= kBase && from + bytes <= kBase + words_.size() * 4 && from / 4096 == (from + bytes - 1) / 4096;
            if (sound) bursts_.push_back({(from - kBase) / 4, length(d), now + 1 + dice.below(latency + 1)});
        }
        return moved;
    }

  private:
    struct Burst {
        uint64_t at;
        uint32_t beats;
        uint64_t ready;
    };
    static constexpr std::size_t kBursts = 32;
    std::vector<uint32_t> words_;
    std::size_t rounds_;
    std::deque<Burst> bursts_;
    bool taking_ = false, offering_ = false;
};

// Beats of weights and of results, of all rounds up to this one.
struct Round {
    uint64_t loads, outputs;
};

}  // namespace

// in.bin out.bin report.json frame_beats total_beats stall_in stall_out seed quiet_limit cycle_limit stall_memory
// latency [wave.vcd]
int main(int argc, char** argv) {
    if (argc < 13) return 2;
    std::vector<Input> inputs;
    for (int port = 0; port < kInputs; ++port) {
        std::vector<uint32_t> words = load(std::string(argv[1]) + "." + std::to_string(port));
        const uint64_t beats = words.size() / kInWords[port];
        inputs.push_back({std::move(words), beats, 0, false});
    }
    std::vector<Round> rounds;
    const std::vector<uint32_t> written = load(std::string(argv[1]) + ".rounds");
    for (std::size_t at = 0; at + 1 < written.size(); at += 2) {
        const Round before = rounds.empty() ? Round{0, 0} : rounds.back();
        rounds.push_back({before.loads + written[at], before.outputs + written[at + 1]});
    }
    FILE* output = writer(argv[2]);
    const uint64_t frame_beats = std::strtoull(argv[4], nullptr, 10);
    const uint64_t total_beats = std::strtoull(argv[5], nullptr, 10);
    const unsigned stall_in = std::atoi(argv[6]), stall_out = std::atoi(argv[7]);
    Dice dice(std::strtoull(argv[8], nullptr, 10));
    const uint64_t quiet_limit = std::strtoull(argv[9], nullptr, 10);
    const uint64_t cycle_limit = std::strtoull(argv[10], nullptr, 10);
    const unsigned stall_memory = std::atoi(argv[11]);
    const uint64_t latency = std::strtoull(argv[12], nullptr, 10);
    Memory memory(kMemory ? load(std::string(argv[1]) + ".memory") : std::vector<uint32_t>(), rounds.size());

    auto context = std::make_unique<VerilatedContext>();
    auto design = std::make_unique<Design>(context.get());
#if VM_TRACE_VCD
    std::unique_ptr<VerilatedVcdC> wave;
    if (argc > 13) {
        context->traceEverOn(true);
        wave = std::make_unique<VerilatedVcdC>();
        design->trace(wave.get(), 99);
        wave->open(argv[13]);
    }
#endif
    std::vector<FILE*> traces;
    for (int edge = 0; kTraced && edge < kEdges; ++edge)
        traces.push_back(writer(std::string(argv[2]) + "." + std::to_string(edge)));

    design->clk = 0;
    design->rst = 1;
    for (int port = 0; port < kInputs; ++port) offer(*design, port, false, nullptr);
    design->o_ready = 0;
    for (int cycle = 0; cycle < 4; ++cycle) {
        design->clk = 0; design->eval();
        design->clk = 1; design->eval();
    }
    design->rst = 0;

    std::vector<uint32_t> largest(kEdges > 0 ? kEdges : 1, 0);
    std::vector<uint64_t> frame_ends;
    uint64_t received = 0, clock = 0, cycle = 0, quiet = 0, first_out = 0, last_out = 0;
    std::vector<uint64_t> missing;
    for (int edge = 0; kTraced && edge < kEdges; ++edge)
        missing.push_back(kTraceBeats[edge] * (total_beats / frame_beats));
    std::size_t unfinished = missing.size();
    uint32_t beat[kOutWords];
    const char* end = "complete";
    std::size_t round = 0;
    uint64_t read_beats = 0;
    int settling = kLoads ? kSettle : 0;
    while (received < total_beats || unfinished > 0) {
        if (cycle >= cycle_limit) { end = "cycle limit"; break; }
        if (quiet >= quiet_limit) { end = "stuck"; break; }
        bool whole = settling == 0 && received >= rounds[round].outputs;
        for (int edge = 0; whole && kTraced && edge < kEdges; ++edge)
            whole = missing[edge] <= kTraceBeats[edge] * ((total_beats - rounds[round].outputs) / frame_beats);
        if (round + 1 < rounds.size() && whole) {
            ++round;
            settling = kLoads ? kSettle : 0;
        }
        if (kLoads && settling > 0 && inputs[0].sent >= rounds[round].loads) --settling;
        const bool loading = settling > 0;
        design->clk = 0;
        if (kHeld) design->rst = loading;
        for (int port = 0; port < kInputs; ++port) {
            Input& input = inputs[port];
            const bool loads = kLoads && port == 0;
            const uint64_t allowed = loads ? rounds[round].loads
                : loading ? input.sent : input.beats * rounds[round].outputs / total_beats;
            const bool starts = !input.offering && input.sent < allowed && !dice.falls(stall_in);
            input.offering |= starts;
            offer(*design, port, input.offering, starts ? &input.words[input.sent * kInWords[port]] : nullptr);
        }
        design->o_ready = !dice.falls(stall_out);
        if (kMemory) {
            set_base(*design, memory.base(round));
            memory.drive(*design, dice, stall_memory, clock);
        }
        design->eval();
        bool moved = false;
        if (kMemory) {
            bool sound = true;
            moved = memory.move(*design, dice, latency, clock, sound);
            read_beats += moved;
            if (!sound) { end = "wrong address"; break; }
        }
        for (int port = 0; port < kInputs; ++port) {
            Input& input = inputs[port];
            if (input.offering && accepted(*design, port)) { ++input.sent; input.offering = false; moved = true; }
        }
        if (design->o_valid && design->o_ready) {
            for (int index = 0; index < kOutWords; ++index) beat[index] = word(design->o_payload, index);
            std::fwrite(beat, 4, kOutWords, output);
            if (received++ == 0) first_out = cycle;
            last_out = cycle;
            if (received % frame_beats == 0) frame_ends.push_back(cycle);
            moved = true;
        }
        for (int edge = 0; edge < kEdges; ++edge) {
            largest[edge] = std::max(largest[edge], level(*design, edge));
            if (handshake(*design, edge) == 3) {
                moved = true;
                if (kTraced) {
                    uint32_t value[kTraceWords];
                    const int words = trace_beat(*design, edge, value);
                    std::fwrite(value, 4, words, traces[edge]);
                    if (missing[edge] > 0 && --missing[edge] == 0) --unfinished;
                }
            }
        }
        quiet = moved || (loading && inputs[0].sent >= rounds[round].loads) ? 0 : quiet + 1;
#if VM_TRACE_VCD
        if (wave) wave->dump(2 * clock);
#endif
        design->clk = 1;
        design->eval();
#if VM_TRACE_VCD
        if (wave) wave->dump(2 * clock + 1);
#endif
        ++clock;
        if (!loading) ++cycle;
    }
    std::fclose(output);
    for (FILE* trace : traces) std::fclose(trace);
#if VM_TRACE_VCD
    if (wave) wave->close();
#endif

    const uint64_t clocks = received < total_beats || unfinished > 0 ? cycle : last_out + 1;
    design->clk = 0;
    design->eval();
    FILE* report = writer(argv[3]);
    std::fprintf(report, "{\"end\": \"%s\", \"cycles\": %llu, \"first_output\": %llu, \"received\": %llu",
                 end, (unsigned long long)clocks, (unsigned long long)first_out, (unsigned long long)received);
    std::fprintf(report, ", \"loaded\": %llu, \"fault\": %u, \"memory_fault\": %u, \"read\": %llu",
                 (unsigned long long)(kLoads ? inputs[0].sent : 0), fault(*design), memory_fault(*design),
                 (unsigned long long)read_beats);
    std::fprintf(report, ", \"frame_ends\": [");
    for (std::size_t n = 0; n < frame_ends.size(); ++n)
        std::fprintf(report, "%s%llu", n ? ", " : "", (unsigned long long)frame_ends[n]);
    std::fprintf(report, "], \"largest_fill\": [");
    for (int edge = 0; edge < kEdges; ++edge) std::fprintf(report, "%s%u", edge ? ", " : "", largest[edge]);
    std::fprintf(report, "], \"fill\": [");
    for (int edge = 0; edge < kEdges; ++edge) std::fprintf(report, "%s%u", edge ? ", " : "", level(*design, edge));
    std::fprintf(report, "], \"valid\": [");
    for (int edge = 0; edge < kEdges; ++edge)
        std::fprintf(report, "%s%u", edge ? ", " : "", handshake(*design, edge) & 1);
    std::fprintf(report, "]}\n");
    std::fclose(report);
    design->final();
    return 0;
}
