// Drives a design's serial line bit by bit: bytes from a file in, the bytes that come back to a file.
//
// design.h gives the class Design. The file has messages, each behind its length (two bytes, low first); the
// line rests after each. A byte is a start bit (0), eight bits, lowest first, and a stop bit (1).

#include "design.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "verilated.h"

// in.bin out.bin clocks_per_bit expected_bytes clock_limit pause_bits
int main(int argc, char** argv) {
    if (argc != 7) return 2;
    FILE* file = std::fopen(argv[1], "rb");
    if (!file) return 2;
    std::vector<bool> levels(16, true);
    for (int low; (low = std::fgetc(file)) != EOF;) {
        for (int left = low | std::fgetc(file) << 8; left > 0; --left) {
            const int byte = std::fgetc(file);
            levels.push_back(false);
            for (int place = 0; place < 8; ++place) levels.push_back(byte >> place & 1);
            levels.push_back(true);
        }
        levels.insert(levels.end(), std::strtoull(argv[6], nullptr, 10), true);
    }
    std::fclose(file);
    FILE* output = std::fopen(argv[2], "wb");
    if (!output) return 2;
    const uint64_t bit = std::strtoull(argv[3], nullptr, 10), expected = std::strtoull(argv[4], nullptr, 10);
    const uint64_t limit = std::strtoull(argv[5], nullptr, 10);

    auto context = std::make_unique<VerilatedContext>();
    auto design = std::make_unique<Design>(context.get());
    design->btn = 0;
    design->ftdi_txd = 1;
    uint64_t received = 0, until = 0;
    unsigned shift = 0;
    int bits = 0;
    for (uint64_t clock = 0; clock < limit && received < expected; ++clock) {
        design->ftdi_txd = clock / bit >= levels.size() || levels[clock / bit];
        design->clk_25mhz = 0; design->eval();
        design->clk_25mhz = 1; design->eval();
        if (clock < 16 * bit) continue;
        if (bits == 0) {
            if (!design->ftdi_rxd) { bits = 9; until = clock + bit + bit / 2; }
        } else if (clock >= until) {
            until += bit;
            if (--bits) shift = shift >> 1 | (design->ftdi_rxd ? 0x80u : 0u);
            else if (design->ftdi_rxd) { std::fputc(static_cast<int>(shift), output); ++received; }
        }
    }
    std::fclose(output);
    design->final();
    return 0;
}
