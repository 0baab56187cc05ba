// Drives a design's streams, cycle by cycle: beats from files in, beats to a file out.
//
// design.h, written beside it, gives the class Design, the constants kInputs, kInWords (by
// input), kEdges, kOutWords, kTraced and kTraceBeats (of a frame, by edge), and the functions
// offer(), accepted(), level(), handshake() and trace_beat(). A beat is a whole number of
// 32-bit words, lowest first.
//
// The clocks are counted up to the last output beat. A traced design runs on until every
// trace is whole: a layer may have computed its last window before its frame has ended.

#include "design.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
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

}  // namespace

// in.bin out.bin report.json frame_beats total_beats stall_in stall_out seed quiet_limit cycle_limit [wave.vcd]
int main(int argc, char** argv) {
    if (argc < 11) return 2;
    std::vector<Input> inputs;
    for (int port = 0; port < kInputs; ++port) {
        std::vector<uint32_t> words = load(std::string(argv[1]) + "." + std::to_string(port));
        const uint64_t beats = words.size() / kInWords[port];
        inputs.push_back({std::move(words), beats, 0, false});
    }
    FILE* output = writer(argv[2]);
    const uint64_t frame_beats = std::strtoull(argv[4], nullptr, 10);
    const uint64_t total_beats = std::strtoull(argv[5], nullptr, 10);
    const unsigned stall_in = std::atoi(argv[6]), stall_out = std::atoi(argv[7]);
    Dice dice(std::strtoull(argv[8], nullptr, 10));
    const uint64_t quiet_limit = std::strtoull(argv[9], nullptr, 10);
    const uint64_t cycle_limit = std::strtoull(argv[10], nullptr, 10);

    auto context = std::make_unique<VerilatedContext>();
    auto design = std::make_unique<Design>(context.get());
#if VM_TRACE_VCD
    std::unique_ptr<VerilatedVcdC> wave;
    if (argc > 11) {
        context->traceEverOn(true);
        wave = std::make_unique<VerilatedVcdC>();
        design->trace(wave.get(), 99);
        wave->open(argv[11]);
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
    uint64_t received = 0, cycle = 0, quiet = 0, first_out = 0, last_out = 0;
    std::vector<uint64_t> missing;
    for (int edge = 0; kTraced && edge < kEdges; ++edge)
        missing.push_back(kTraceBeats[edge] * (total_beats / frame_beats));
    std::size_t unfinished = missing.size();
    uint32_t beat[kOutWords];
    const char* end = "complete";
    while (received < total_beats || unfinished > 0) {
        if (cycle >= cycle_limit) { end = "cycle limit"; break; }
        if (quiet >= quiet_limit) { end = "stuck"; break; }
        design->clk = 0;
        for (int port = 0; port < kInputs; ++port) {
            Input& input = inputs[port];
            const bool starts = !input.offering && input.sent < input.beats && !dice.falls(stall_in);
            input.offering |= starts;
            offer(*design, port, input.offering, starts ? &input.words[input.sent * kInWords[port]] : nullptr);
        }
        design->o_ready = !dice.falls(stall_out);
        design->eval();
        bool moved = false;
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
        quiet = moved ? 0 : quiet + 1;
#if VM_TRACE_VCD
        if (wave) wave->dump(2 * cycle);
#endif
        design->clk = 1;
        design->eval();
#if VM_TRACE_VCD
        if (wave) wave->dump(2 * cycle + 1);
#endif
        ++cycle;
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
