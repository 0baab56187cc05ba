#ifndef NNET_INTERPOLATION_STREAM_H_
#define NNET_INTERPOLATION_STREAM_H_

// Pixels between pixels, along the rows or along the columns of an image, one output pixel a clock cycle.
//
// Pixel x that goes out lies (start + x * step) / parts pixels behind the first that comes in.

#include "hls_stream.h"
#include "nnet_common.h"
#include "nnet_row_ring_stream.h"

namespace nnet {

// The place of a pixel that goes out: the pixel before it, -1 in front of the first, and the parts that it lies
// behind that.
template <typename CONFIG_T> struct interpolation_place {
    int before;
    unsigned phase;

    interpolation_place() {
        before = CONFIG_T::start < 0 ? -1 : 0;
        phase = CONFIG_T::start < 0 ? CONFIG_T::start + (int)CONFIG_T::parts : CONFIG_T::start;
    }

    void next() {
        #pragma HLS INLINE
        phase += CONFIG_T::step;
        if (phase >= CONFIG_T::parts) {
            phase -= CONFIG_T::parts;
            before++;
        }
    }
};

template <class data_T, class res_T, typename CONFIG_T>
void interpolation_pixel(const data_T &one, const data_T &other, unsigned phase, res_T &pixel) {
    #pragma HLS INLINE
    // Weights are parts; where the divisor is a power of two they are divided by it already.
    typename CONFIG_T::weight_t behind, before;
    behind.range() = ap_uint<CONFIG_T::weight_bits>(phase);
    before.range() = ap_uint<CONFIG_T::weight_bits>(CONFIG_T::parts - phase);
Channel:
    for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
        #pragma HLS UNROLL
        typename CONFIG_T::accum_t sum = before * one[c] + behind * other[c];
        if (CONFIG_T::quotient != 1)
            sum /= CONFIG_T::quotient;
        pixel[c] = sum;
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void interpolate_rows(hls::stream<data_T> &image, hls::stream<res_T> &between) {
    constexpr int height = CONFIG_T::in_height, width = CONFIG_T::in_width;

    data_T rows[2][width];
    #pragma HLS ARRAY_PARTITION variable=rows complete dim=1
    int received = 0;
    interpolation_place<CONFIG_T> place;

OutputRow:
    for (unsigned y = 0; y < CONFIG_T::out_height; y++) {
        const int upper = place.before < 0 ? 0 : place.before;
        const int lower = place.before + 1 < height ? place.before + 1 : height - 1;
        receive_rows<height>(image, rows, received, lower + 1);
    OutputColumn:
        for (int x = 0; x < width; x++) {
            #pragma HLS PIPELINE II=1
            const data_T one = rows[upper % 2][x], other = rows[lower % 2][x];
            res_T pixel;
            PRAGMA_DATA_PACK(pixel)
            interpolation_pixel<data_T, res_T, CONFIG_T>(one, other, place.phase, pixel);
            between.write(pixel);
        }
        place.next();
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void interpolate_columns(hls::stream<data_T> &image, hls::stream<res_T> &between) {
    constexpr int width = CONFIG_T::in_width;

Row:
    for (unsigned y = 0; y < CONFIG_T::out_height; y++) {
        data_T right = image.read(), left = right; // the last two pixels that were read
        int received = 1;
        interpolation_place<CONFIG_T> place;
    OutputColumn:
        for (unsigned x = 0; x < CONFIG_T::out_width; x++) {
            #pragma HLS PIPELINE II=1
            const int wanted = place.before + 1 < width ? place.before + 1 : width - 1;
            if (received <= wanted) {
                left = right;
                right = image.read();
                received++;
            }
            // In front of the first pixel and behind the last there is that one alone.
            const data_T one = place.before < 0 || place.before == width - 1 ? right : left;
            res_T pixel;
            PRAGMA_DATA_PACK(pixel)
            interpolation_pixel<data_T, res_T, CONFIG_T>(one, right, place.phase, pixel);
            between.write(pixel);
            place.next();
        }
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void interpolation(hls::stream<data_T> &image, hls::stream<res_T> &between) {
    if (CONFIG_T::axis == 0)
        interpolate_rows<data_T, res_T, CONFIG_T>(image, between);
    else
        interpolate_columns<data_T, res_T, CONFIG_T>(image, between);
}

} // namespace nnet

#endif
