#ifndef NNET_ZERO_INSERTION_STREAM_H_
#define NNET_ZERO_INSERTION_STREAM_H_

// Zeros between the pixels of an image and behind the last, one output pixel a clock cycle.

#include "hls_stream.h"
#include "nnet_common.h"

namespace nnet {

template <class data_T, class res_T, typename CONFIG_T>
void zero_insertion(hls::stream<data_T> &image, hls::stream<res_T> &spread) {
    // Counters instead of remainders: a row (column) holds pixels where the phase is 0 and some are left.
    unsigned row_phase = 0, rows_left = CONFIG_T::in_height;

Row:
    for (unsigned y = 0; y < CONFIG_T::out_height; y++) {
        const bool row_holds = row_phase == 0 && rows_left > 0;
        unsigned column_phase = 0, columns_left = CONFIG_T::in_width;
    Column:
        for (unsigned x = 0; x < CONFIG_T::out_width; x++) {
            #pragma HLS PIPELINE II=1
            const bool holds = row_holds && column_phase == 0 && columns_left > 0;
            data_T pixel;
            if (holds)
                pixel = image.read();
            res_T out;
            PRAGMA_DATA_PACK(out)
        Channel:
            for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
                #pragma HLS UNROLL
                if (holds)
                    out[c] = pixel[c];
                else
                    out[c] = 0;
            }
            spread.write(out);
            if (column_phase == 0) {
                column_phase = CONFIG_T::factor_width - 1;
                if (columns_left > 0)
                    columns_left--;
            } else {
                column_phase--;
            }
        }
        if (row_phase == 0) {
            row_phase = CONFIG_T::factor_height - 1;
            if (rows_left > 0)
                rows_left--;
        } else {
            row_phase--;
        }
    }
}

} // namespace nnet

#endif
